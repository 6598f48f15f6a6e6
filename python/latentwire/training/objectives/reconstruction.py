"""Reconstruction: what a decoder makes of the latents, against what the encoder read."""

from __future__ import annotations

from torch import Tensor


def reconstruction(found: Tensor, states: Tensor, mask: Tensor) -> Tensor:
    """Share of the states' variance that is not explained.

    Args:
        found: The decoder's states [B, T, d].
        states: The sender's states [B, T, d].
        mask: bool [B, T], False on padding, which does not count.

    Returns:
        Scalar: 0 if all is there, 1 for a decoder that knows the mean state only.
    """
    real, wanted = found[mask], states[mask].detach()  # [N, d]
    variance = wanted.var(0, unbiased=False).sum()
    return (real - wanted).square().sum(1).mean() / variance
