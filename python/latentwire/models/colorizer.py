"""Colorizer: what an adapter makes takes on the statistics of the receiver's own inputs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Colorizer(nn.Module):
    """Standardizes each vector, then gives it the receiver's mean and deviation.

    The statistics are buffers, measured on the receiver: on its embedding table for soft tokens, on
    its keys and values of text for a key/value prefix. What it makes therefore has the norm of the
    real thing from the first step on, whatever the scales of the two models.

    Args:
        shape: Of the statistics; the last dimension is the width d of a vector.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("deviation", torch.ones(shape))

    @torch.no_grad()
    def fit(self, mean: Tensor, deviation: Tensor) -> None:
        """Set the receiver's statistics, [..., d] each."""
        self.mean.copy_(mean)
        self.deviation.copy_(deviation)

    def forward(self, x: Tensor) -> Tensor:
        """[B, k, ..., d] -> [B, k, ..., d], float32."""
        return self.mean + self.deviation * F.layer_norm(x.float(), x.shape[-1:])
