"""Commitment: an encoder stays near the codes that it is quantized to."""

from __future__ import annotations

from torch import Tensor


def commitment(latents: Tensor, quantized: Tensor) -> Tensor:
    """Mean squared distance of latents [B, k, d] from their codes, which are not moved.

    See https://arxiv.org/abs/1711.00937.
    """
    return (latents - quantized.detach()).square().mean()
