"""Muon or AdamW for hidden matrices, AdamW for everything else, and their learning rates."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import nn

from latentwire.training.muon import Muon


def build_optimizers(
    modules: Iterable[nn.Module],
    *,
    matrices_by: Literal["muon", "adamw"] = "muon",
    weight_decay: float = 0.01,
    in_float32: bool = False,
) -> list[torch.optim.Optimizer]:
    """Optimizers over all parameters of the modules that require gradients.

    Muon (https://kellerjordan.github.io/posts/muon/) takes the matrices of linear layers, scaled
    so that one learning rate serves both; embeddings, queries, norms and biases go to AdamW. The
    learning rate is set per step with ``set_learning_rate``.

    Args:
        modules: Whose parameters are trained.
        matrices_by: What takes the matrices of linear layers.
        weight_decay: Of those matrices; nothing else decays.
        in_float32: Whether updates are computed in float32 also where bfloat16 is faster.
    """
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for module in modules:
        hidden = {id(layer.weight) for layer in module.modules() if isinstance(layer, nn.Linear)}
        for parameter in module.parameters():
            if parameter.requires_grad:
                (matrices if id(parameter) in hidden else rest).append(parameter)
    betas = (0.9, 0.95)
    # On a GPU one kernel for all parameters; elsewhere the library's choice.
    fused = True if any(parameter.is_cuda for parameter in matrices + rest) else None
    others = torch.optim.AdamW(rest, lr=0.0, betas=betas, weight_decay=0.0, fused=fused)
    if matrices_by == "muon":
        muon = Muon(matrices, lr=0.0, weight_decay=weight_decay, in_float32=in_float32)
        return [muon, others]
    first = torch.optim.AdamW(matrices, lr=0.0, betas=betas, weight_decay=weight_decay, fused=fused)
    return [first, others]


def set_learning_rate(optimizers: Iterable[torch.optim.Optimizer], rate: float) -> None:
    """Set the learning rate of every group."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate


def cosine_rate(step: int, num_steps: int, warmup_steps: int, peak: float) -> float:
    """Learning rate of a step: linear warm-up, then half a cosine down to a hundredth."""
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    share = (step - warmup_steps) / max(1, num_steps - warmup_steps)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
