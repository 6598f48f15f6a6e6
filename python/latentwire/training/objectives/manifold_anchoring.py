"""Manifold anchoring: soft tokens stay near tokens that the receiver knows."""

from __future__ import annotations

import torch
from torch import Tensor

_ROWS = 256  # soft tokens whose distances to the whole table are in memory at once


def manifold_anchoring(soft_tokens: Tensor, table: Tensor) -> Tensor:
    """Mean squared distance of each soft token from the nearest token embedding.

    Args:
        soft_tokens: [B, k, d].
        table: The receiver's token embeddings [V, d].

    Returns:
        Scalar, in units of the table's total variance: 0 on a token, about 1 at the table's mean.
    """
    tokens, table = soft_tokens.flatten(0, -2).float(), table.detach().float()
    with torch.no_grad():
        nearest = torch.cat([torch.cdist(t, table).argmin(1) for t in torch.split(tokens, _ROWS)])
        variance = table.var(0, unbiased=False).sum()
    return (tokens - table[nearest]).square().sum(1).mean() / variance
