"""How the work of a run is done: processes, precision, memory."""

from __future__ import annotations

import os
from datetime import timedelta

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from transformers.modeling_layers import GradientCheckpointingLayer

from latentwire.errors import RecipeError
from latentwire.frozen import FrozenModel
from latentwire.frozen.adapted import AdaptedModel
from latentwire.frozen.precision import computes_in_bfloat16
from latentwire.lora import Lora, LoraConfig
from latentwire.training.recipe_sections import EngineRecipe

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# One process may fill the feature cache for hours while the others wait for it.
_PATIENCE = timedelta(hours=24)


def start_accelerator() -> Accelerator:
    """This process among those that train together; alone, if nothing launched it with others.

    Raises:
        RecipeError: If it was launched with a wrapping of its own.
    """
    if os.environ.get("ACCELERATE_USE_FSDP", "").lower() in ("1", "true"):
        raise RecipeError(
            "accelerate is configured to wrap everything in FSDP; only frozen models are sharded",
            hint="use training/launch/accelerate.yaml, and engine.strategy=fsdp in the recipe",
        )
    if torch.cuda.is_available():
        # Products of float32 in TF32: at the pace of bfloat16, with three bits more.
        torch.set_float32_matmul_precision("high")
    return Accelerator(
        cpu=not torch.cuda.is_available(),
        mixed_precision="no",  # see ``autocast``: precision is the recipe's
        kwargs_handlers=[
            InitProcessGroupKwargs(timeout=_PATIENCE),
            # One receiver is drawn a step: the adapters of the others have no gradient.
            DistributedDataParallelKwargs(find_unused_parameters=True),
        ],
    )


def autocast(engine: EngineRecipe, device: torch.device) -> torch.autocast:
    """The precision of the forward pass; ``auto`` is bfloat16 where the hardware computes in it."""
    wanted = engine.precision == "bf16" or (
        engine.precision == "auto" and computes_in_bfloat16(device)
    )
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)


def load_frozen(
    name: str,
    engine: EngineRecipe,
    device: torch.device,
    *,
    reads_messages: bool = False,
    lora: LoraConfig | Lora | None = None,
) -> FrozenModel:
    """A frozen model on its device, as the recipe wants it held.

    Args:
        name: What it is asked for by.
        engine: How it is held.
        device: Where.
        reads_messages: Whether gradients flow through it: then its layers are recomputed in the
            backward pass, compiled, or sharded over the processes, where the recipe says so.
        lora: Fresh additions to its weights, or trained ones.

    Raises:
        ModelNotFoundError: If there is no such model.
        MissingExtraError: If there are additions and ``peft`` is not installed.
        UsageError: If the model has no layers that they are for.
        CheckpointError: If trained ones are of another model.
        RecipeError: If it has no layers that can be recomputed, and the recipe asks for that.
    """
    frozen = FrozenModel.load(name, device=device, dtype=_DTYPES[engine.frozen_dtype])
    if not reads_messages:
        return frozen
    if isinstance(lora, Lora):
        frozen = AdaptedModel.with_weights(frozen, lora)
    elif lora is not None:
        frozen = AdaptedModel(frozen, lora)
    if engine.gradient_checkpointing:
        checkpoint_layers(frozen)
    if engine.strategy == "fsdp":
        _ = frozen.weights_digest  # of the whole weights, before they are in pieces
        shard_layers(frozen)
    if engine.compile:
        frozen.model.base_model.compile(dynamic=True)
    return frozen


def checkpoint_layers(frozen: FrozenModel) -> None:
    """Recompute each layer in the backward pass instead of keeping what it computed.

    The library does so only in training mode. The layers alone are put into it, not what is inside
    them, so that no dropout wakes up.
    """
    model = frozen.model
    if not model.supports_gradient_checkpointing:
        raise RecipeError(
            f"engine.gradient_checkpointing: {frozen.name} does not support it",
            hint="set engine.gradient_checkpointing=false",
        )
    model.gradient_checkpointing_enable({"use_reentrant": False})
    for module in model.modules():
        if isinstance(module, GradientCheckpointingLayer):
            module.training = True


def shard_layers(frozen: FrozenModel) -> None:
    """Keep each layer's weights in pieces, one a process, and gather them when they are needed.

    FSDP for what is large, the frozen model. What is trained is small and whole in every process,
    so optimizers and checkpoints do not know of this.
    """
    if not torch.distributed.is_initialized():
        return  # alone: a piece is the whole
    mesh = init_device_mesh(frozen.device.type, (torch.distributed.get_world_size(),))
    for module in frozen.model.modules():
        if isinstance(module, GradientCheckpointingLayer):  # what the library calls a layer
            fully_shard(module, mesh=mesh)
