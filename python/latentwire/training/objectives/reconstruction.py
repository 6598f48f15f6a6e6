"""Reconstruction: what a decoder makes of the latents, against what the encoder read."""

from __future__ import annotations

from torch import Tensor


def reconstruction(found: Tensor, states: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error of standardized states, averaged within each text, then over texts.

    Args:
        found: The decoder's states [B, T, d].
        states: The sender's states [B, T, d], of variance 1 in every dimension.
        mask: bool [B, T], False on padding, which does not count; a row has at least one True.

    Returns:
        Scalar: 0 if all is there, about 1 for a decoder that knows the mean state only.
    """
    errors = (found.float() - states.detach().float()).square().mean(-1)  # [B, T]
    real = mask.to(errors.dtype)
    loss: Tensor = ((errors * real).sum(1) / real.sum(1)).mean()
    return loss
