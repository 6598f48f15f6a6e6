"""Distillation of another encoder's latents, without a receiver."""

from __future__ import annotations

import torch
from torch import Tensor


def latent_distillation(latents: Tensor, teacher: Tensor) -> Tensor:
    """Weighted mean squared distance of latents [B, k, d] from another encoder's.

    Early latents matter most, since every prefix of a message is a message: latent i weighs
    1 / (1 + i).
    """
    weights = 1.0 / (1.0 + torch.arange(latents.shape[1], device=latents.device))
    errors = (latents - teacher).square().mean((0, 2))  # [k]
    return (errors * weights).sum() / weights.sum()
