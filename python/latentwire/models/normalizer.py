"""Statistical normalizer: states of any sender arrive with zero mean and unit variance."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StatisticalNormalizer(nn.Module):
    """Standardizes hidden states per dimension with statistics of the sender, gathered once.

    The statistics are buffers, saved with the encoder: they are measured, not trained.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))

    @torch.no_grad()
    def fit(self, states: Tensor) -> None:
        """Set the statistics from states [N, d], padding excluded."""
        states = states.float()
        self.mean.copy_(states.mean(0))
        self.deviation.copy_(states.std(0).clamp_min(1e-4))

    def forward(self, states: Tensor) -> Tensor:
        """[..., d] -> [..., d]; outliers are cut at 10 deviations."""
        return ((states - self.mean) / self.deviation).clamp(-10, 10)
