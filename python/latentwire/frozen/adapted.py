"""A frozen model with low-rank additions (LoRA, https://arxiv.org/abs/2106.09685), by ``peft``."""

from __future__ import annotations

import copy
import itertools
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from latentwire.errors import CheckpointError, UsageError
from latentwire.extras import require_extra
from latentwire.frozen.model import FrozenModel
from latentwire.lora import Lora, LoraConfig

_NAME = "default"  # peft's, of the additions that it puts in


class LoraWeights(nn.Module):
    """The additions of one model, as what is trained: they are shared with the model.

    To optimizers they are no matrices of linear layers: AdamW takes them, as is usual.
    """

    def __init__(self, config: LoraConfig, parameters: dict[str, nn.Parameter]) -> None:
        super().__init__()
        self.config = config
        for name, parameter in parameters.items():
            self.register_parameter(name.replace(".", "/"), parameter)

    @property
    def lora(self) -> Lora:
        """A copy on the processor, by the model's own names."""
        tensors = {
            name.replace("/", "."): parameter.detach().float().cpu().clone()
            for name, parameter in self.named_parameters()
        }
        return Lora(self.config, tensors)


class AdaptedModel(FrozenModel):
    """A frozen model as it is read through additions.

    It shares the weights of ``base``, which stays as it is and can be used beside it: texts are
    read by the one, messages by the other. Its identity is that of the base: parts belong to it.
    The begin token of a key/value prefix is read by the base, so that it does not move in training.

    Args:
        base: The frozen model.
        config: What is added; at first additions change nothing.

    Attributes:
        base: The frozen model.
        weights: The additions, float32.

    Raises:
        MissingExtraError: If ``peft`` is not installed.
        UsageError: If the model has no layers of these names.
    """

    def __init__(self, base: FrozenModel, config: LoraConfig) -> None:
        require_extra("train", "peft")
        from peft import LoraConfig as PeftConfig
        from peft import inject_adapter_in_model

        _check_targets(base, config)
        shared = itertools.chain(base.model.parameters(), base.model.buffers())
        model: Any = copy.deepcopy(base.model, {id(tensor): tensor for tensor in shared})
        wanted = PeftConfig(
            r=config.rank, lora_alpha=config.alpha, target_modules=list(config.targets)
        )
        inject_adapter_in_model(wanted, model)
        super().__init__(base.name, model, base.tokenizer, is_causal=base.is_causal)
        added = {
            name.replace(f".{_NAME}.", "."): parameter
            for name, parameter in model.named_parameters()
            if f".{_NAME}." in name
        }
        for parameter in added.values():
            parameter.data = parameter.data.float()
        self.base = base
        self.weights = LoraWeights(config, added)

    @classmethod
    def with_weights(cls, base: FrozenModel, lora: Lora) -> AdaptedModel:
        """A model with trained additions.

        Raises:
            MissingExtraError: If ``peft`` is not installed.
            CheckpointError: If the additions are not of this model.
        """
        try:
            adapted = cls(base, lora.config)
        except UsageError as error:
            raise CheckpointError(f"the LoRA weights are of another model: {error}") from error
        wanted = dict(adapted.weights.named_parameters())
        found = {name.replace(".", "/"): value for name, value in lora.weights.items()}
        shapes = [{n: tuple(t.shape) for n, t in side.items()} for side in (wanted, found)]
        if shapes[0] != shapes[1]:
            odd = min(shapes[0].items() ^ shapes[1].items())[0].replace("/", ".")
            raise CheckpointError(
                f"the LoRA weights do not fit {base.name!r}: {odd!r} is missing, unknown or of "
                f"another shape",
                hint="load the model that they were trained for",
            )
        with torch.no_grad():
            for name, parameter in wanted.items():
                parameter.copy_(found[name])
        return adapted

    @property
    def unadapted(self) -> FrozenModel:
        """The frozen model without its additions."""
        return self.base

    @cached_property
    def weights_digest(self) -> bytes:
        """That of the base."""
        return self.base.weights_digest

    @cached_property
    def begin_key_values(self) -> Tensor:
        """Those of the base."""
        return self.base.begin_key_values


def _check_targets(base: FrozenModel, config: LoraConfig) -> None:
    """Refuse names of layers that the model does not have."""
    linear = sorted(
        {
            name.rpartition(".")[2]
            for name, module in base.backbone.named_modules()
            if isinstance(module, nn.Linear)
        }
    )
    for target in config.targets:
        if target not in linear:
            raise UsageError(
                f"{base.name} has no linear layers named {target!r}",
                hint=f"it has: {', '.join(linear) or 'none'}",
            )
