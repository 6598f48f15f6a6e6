"""Where a receiver reads nothing, since a message is shorter than the others of its batch."""

from __future__ import annotations

import torch
from torch import Tensor

from latentwire.models.adapter import AdapterConfig
from latentwire.models.deep_adapter import DeepAdapterConfig


def message_mask(
    config: AdapterConfig | DeepAdapterConfig, lengths: Tensor | None, k: int
) -> Tensor | None:
    """Mask of what an adapter makes of k latents.

    Args:
        config: The adapter's.
        lengths: How many of the latents each message has, int64 [B]; None: all.
        k: How many latents there are.

    Returns:
        bool [B, P], or None where every message has all.
    """
    if lengths is None:
        return None
    made = torch.tensor([config.tokens_of(length) for length in range(k + 1)])
    ends = made.to(lengths.device)[lengths]  # [B]
    return torch.arange(config.tokens_of(k), device=lengths.device) < ends[:, None]
