"""A sequence in at most as many pieces as there is room for, in reading order."""

from __future__ import annotations

import torch
from torch import Tensor


def piece_of(mask: Tensor, pieces: int, positions: float = 1.0) -> Tensor:
    """Which piece each position of a sequence belongs to.

    A piece is ``positions`` positions long, rounded, and the sequence fills the first ones; only if
    that is more pieces than there are, they are all filled evenly.

    Args:
        mask: bool [B, T], False on padding, which may be anywhere.
        pieces: The most there are.
        positions: In a piece of a short sequence.

    Returns:
        int64 [B, T], from 0 to ``pieces - 1``; anything on padding.
    """
    total = mask.sum(1, keepdim=True).clamp_min(1)  # [B, 1]
    rank = (mask.cumsum(1) - 1).clamp_min(0)  # [B, T] of each position among those that count
    return rank * pieces_filled(mask, pieces, positions)[:, None] // total


def pieces_filled(mask: Tensor, pieces: int, positions: float = 1.0) -> Tensor:
    """How many of the pieces a sequence fills, int64 [B]; arguments as of ``piece_of``."""
    return torch.ceil(mask.sum(1) / positions).long().clamp(1, pieces)
