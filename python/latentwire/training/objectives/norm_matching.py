"""Norm matching: soft tokens are as long as real ones."""

from __future__ import annotations

from torch import Tensor


def norm_matching(soft_tokens: Tensor, norm: Tensor | float) -> Tensor:
    """Mean squared logarithm of the ratio of each soft token's norm to a real one's.

    Args:
        soft_tokens: [B, k, d].
        norm: Of the receiver's embeddings, e.g. their root mean square norm.

    Returns:
        Scalar: 0 if all have that norm; a factor of e too long or too short costs 1.
    """
    found = soft_tokens.float().norm(dim=-1).clamp_min(1e-6)
    loss: Tensor = (found / norm).log().square().mean()
    return loss
