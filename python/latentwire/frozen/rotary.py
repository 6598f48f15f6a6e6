"""Rotary positions of keys: put on, and taken off again (https://arxiv.org/abs/2104.09864)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from latentwire.frozen.model import FrozenModel


def rotate(
    frozen: FrozenModel, keys: Tensor, positions: Tensor, *, inverse: bool = False
) -> Tensor:
    """Turn keys to their positions, or back, as the model's own attention does.

    Args:
        frozen: A causal model. Without rotary embeddings its keys are left as they are.
        keys: float32 [..., B, H, T, D].
        positions: int64 [B, T].
        inverse: Take the positions off.

    Returns:
        float32 [..., B, H, T, D].
    """
    rotary = getattr(frozen.backbone, "rotary_emb", None)
    if rotary is None:
        return keys
    cos, sin = (part[:, None] for part in rotary(keys, positions))  # [B, 1, T, R], R <= D
    if inverse:  # long-context variants scale as they turn: divide by the square of the scale
        scale = cos.square() + sin.square()
        cos, sin = cos / scale, -sin / scale
    turned, rest = keys[..., : cos.shape[-1]], keys[..., cos.shape[-1] :]
    first, second = turned.chunk(2, dim=-1)
    turned = turned * cos + torch.cat([-second, first], dim=-1) * sin
    return torch.cat([turned, rest], dim=-1)
