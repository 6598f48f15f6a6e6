"""Colorizer: soft tokens take on the statistics of the receiver's own token embeddings."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Colorizer(nn.Module):
    """Standardizes each soft token, then gives it the receiver's mean and deviation.

    The statistics are buffers, measured on the receiver's embedding table. A soft token therefore
    has the norm of a real one from the first step on, whatever the scales of the two models.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))

    @torch.no_grad()
    def fit(self, mean: Tensor, deviation: Tensor) -> None:
        """Set the receiver's statistics, [d] each."""
        self.mean.copy_(mean)
        self.deviation.copy_(deviation)

    def forward(self, x: Tensor) -> Tensor:
        """[B, k, d] -> [B, k, d], float32."""
        return self.mean + self.deviation * F.layer_norm(x.float(), x.shape[-1:])
