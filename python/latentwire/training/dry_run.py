"""Check a stage without training it: real geometry counted, two steps at small scale taken."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AutoModel, AutoModelForCausalLM, PretrainedConfig

from latentwire.catalog import BYTES
from latentwire.frozen import FrozenModel
from latentwire.models import (
    Adapter,
    AdapterConfig,
    ByteEncoder,
    ByteEncoderConfig,
    HiddenStateEncoder,
    HiddenStateEncoderConfig,
)
from latentwire.models.quantizer import through_the_wire
from latentwire.tasks import TASKS
from latentwire.training.data import Dialogue
from latentwire.training.geometry import PUBLISHED, scaled_down
from latentwire.training.objectives import label_likelihood
from latentwire.training.optimizers import build_optimizers, set_learning_rate
from latentwire.training.recipe import Recipe, Stage

_TEXTS = ("a gorgeous , witty , seductive movie .", "how do i change my pin ?")
_TOKENS_PER_TEXT = 64
_PROMPT_TOKENS = 24


def dry_run(recipe: Recipe, stage: Stage) -> dict[str, Any]:
    """Shapes, parameters, memory estimate and two real steps of a stage.

    Models with a published geometry are counted at full size without memory (meta device) and
    trained at a sixteenth of their width with random weights; models at hand are used as they are.

    Raises:
        ModelNotFoundError: If a model is neither at hand nor of a known geometry.
    """
    torch.manual_seed(recipe.seed)
    sender = None if stage.sender == BYTES else _open(stage.sender)
    receivers = {name: _open(name) for name in recipe.receivers}
    encoder = _encoder(recipe, stage, sender.model.config if sender else None)
    adapters = {
        name: Adapter(
            AdapterConfig(hidden_size=m.hidden_size, latent_width=recipe.space.latent_width)
        )
        for name, m in receivers.items()
    }
    for name, adapter in adapters.items():
        adapter.colorizer.fit(*receivers[name].embedding_statistics())
    optimizers = build_optimizers([encoder, *adapters.values()])
    set_learning_rate(optimizers, stage.learning_rate)

    losses = []
    shapes: dict[str, list[int]] = {}
    task = next(iter(recipe.tasks))
    for _ in range(2):
        if isinstance(encoder, ByteEncoder):
            states, mask = encoder.batch(_TEXTS)
        else:
            assert sender is not None
            states, mask = sender.hidden_states(_TEXTS, encoder.config.layer)
        latents = encoder(states.clone(), mask)
        sent = through_the_wire(latents, recipe.space.encoding)
        loss = latents.new_zeros(())
        for name, frozen in receivers.items():
            soft = adapters[name](sent)
            dialogue = Dialogue(frozen, [task])
            loss = loss + label_likelihood(
                frozen,
                soft,
                [dialogue.questions[task]] * len(_TEXTS),
                [dialogue.answers[task][0]] * len(_TEXTS),
            )
            shapes[f"soft tokens of {name}"] = list(soft.shape)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(round(float(loss.detach()), 4))
        shapes |= {"states": list(states.shape), "latents": list(latents.shape)}

    return {
        "stage": stage.name,
        "losses": losses,
        "shapes": shapes,
        "parameters": _count_full_size(recipe, stage),
        "memory_gib": _memory_estimate(recipe, stage),
        "tasks": {name: list(TASKS[name].choices)[:6] for name in recipe.tasks},
    }


def _open(name: str) -> FrozenModel:
    """A model at hand, or a small random one of its published geometry."""
    if name not in PUBLISHED:
        return FrozenModel.load(name)
    tokenizer = FrozenModel.load("tiny-qwen").tokenizer
    small = scaled_down(PUBLISHED[name], len(tokenizer))
    family: Any = AutoModelForCausalLM
    model = family.from_config(small, attn_implementation="sdpa")
    return FrozenModel(name, model, tokenizer, is_causal=True)


def _encoder(
    recipe: Recipe, stage: Stage, sender: PretrainedConfig | None
) -> HiddenStateEncoder | ByteEncoder:
    """The encoder for a sender of a geometry; a byte encoder where there is no frozen sender."""
    space, geometry = recipe.space, stage.encoder
    if sender is None:
        return ByteEncoder(
            ByteEncoderConfig(
                width=space.latent_width,
                num_latents=space.num_latents,
                num_heads=geometry.num_heads,
                multiple=geometry.multiple,
                resampler_depth=geometry.depth,
            )
        )
    layers = int(sender.num_hidden_layers)
    layer = layers * 2 // 3 if stage.layer is None else min(stage.layer, layers)
    return HiddenStateEncoder(
        HiddenStateEncoderConfig(
            hidden_size=int(sender.hidden_size),
            layer=layer,
            num_latents=space.num_latents,
            latent_width=space.latent_width,
            num_heads=geometry.num_heads,
            depth=geometry.depth,
            multiple=geometry.multiple,
        )
    )


def _config(name: str) -> PretrainedConfig:
    if name in PUBLISHED:
        return PUBLISHED[name]
    frozen = FrozenModel.load(name)
    config: PretrainedConfig = frozen.model.config
    return config


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _count_full_size(recipe: Recipe, stage: Stage) -> dict[str, int]:
    """Parameters at published size, counted on the meta device."""
    counts: dict[str, int] = {}
    names = dict.fromkeys([stage.sender, *recipe.receivers])
    configs = {name: _config(name) for name in names if name != BYTES}
    with torch.device("meta"):
        for name, config in configs.items():
            is_causal = name in PUBLISHED or "CausalLM" in str(config.architectures)
            family: Any = AutoModelForCausalLM if is_causal else AutoModel
            counts[f"frozen {name}"] = _count(family.from_config(config))
        counts["encoder"] = _count(_encoder(recipe, stage, configs.get(stage.sender)))
        for name in recipe.receivers:
            width = configs[name].hidden_size
            counts[f"adapter {name}"] = _count(
                Adapter(AdapterConfig(hidden_size=width, latent_width=recipe.space.latent_width))
            )
    return counts


def _memory_estimate(recipe: Recipe, stage: Stage) -> dict[str, float]:
    """GiB by part at published size: frozen weights in bfloat16, trained ones with optimizer state.

    Activations are those kept for the backward pass through the frozen receiver: about 34 bytes per
    token, layer and unit of width (https://arxiv.org/abs/2205.05198), flash attention assumed.
    """
    counts = _count_full_size(recipe, stage)
    gib = 1024**3
    frozen = sum(count for name, count in counts.items() if name.startswith("frozen"))
    trained = sum(count for name, count in counts.items() if not name.startswith("frozen"))
    tokens = stage.batch_size * (recipe.space.num_latents + _PROMPT_TOKENS)
    activations = 0
    for name in recipe.receivers:
        config = _config(name)
        activations = max(
            activations, 34 * tokens * int(config.hidden_size) * int(config.num_hidden_layers)
        )
    features = 0
    if stage.sender != BYTES:
        width = int(_config(stage.sender).hidden_size)
        features = 2 * stage.batch_size * _TOKENS_PER_TEXT * width
    return {
        "frozen weights": round(2 * frozen / gib, 3),
        "trained weights and optimizer": round(16 * trained / gib, 3),
        "activations": round(activations / gib, 3),
        "features of a batch": round(features / gib, 4),
    }
