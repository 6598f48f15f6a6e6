"""A sequence in at most as many pieces as there is room for, in reading order."""

from __future__ import annotations

from torch import Tensor


def piece_of(mask: Tensor, pieces: int) -> Tensor:
    """Which piece each position of a sequence belongs to.

    A short sequence fills the first pieces one by one, one that is longer than they are many fills
    them all evenly.

    Args:
        mask: bool [B, T], False on padding, which may be anywhere.
        pieces: The most there are.

    Returns:
        int64 [B, T], from 0 to ``pieces - 1``; anything on padding.
    """
    total = mask.sum(1, keepdim=True).clamp_min(1)  # [B, 1]
    rank = (mask.cumsum(1) - 1).clamp_min(0)  # [B, T] of each position among those that count
    return rank * pieces_filled(mask, pieces)[:, None] // total


def pieces_filled(mask: Tensor, pieces: int) -> Tensor:
    """How many of the pieces a sequence fills, int64 [B]; arguments as of ``piece_of``."""
    return mask.sum(1).clamp(1, pieces)
