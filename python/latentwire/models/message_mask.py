"""Where a receiver reads nothing, since a message is shorter than the others of its batch."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def message_mask(adapter: Any, lengths: Tensor | None, k: int) -> Tensor | None:
    """Mask of what an adapter makes of k latents.

    Args:
        adapter: Of either mode, wrapped or not.
        lengths: How many of the latents each message has, int64 [B]; None: all.
        k: How many latents there are.

    Returns:
        bool [B, P], or None where every message has all.
    """
    if lengths is None:
        return None
    mask: Tensor = adapter.mask(lengths, k)
    return mask
