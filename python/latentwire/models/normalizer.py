"""Statistical normalizer: states of any sender arrive with zero mean and unit variance."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from latentwire.moments import Moments


class StatisticalNormalizer(nn.Module):
    """Standardizes hidden states per dimension with statistics of the sender, gathered once.

    The statistics are buffers, saved with the encoder: they are measured, not trained.

    Args:
        shape: Of the statistics: width d, or layers and width.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("deviation", torch.ones(shape))

    @torch.no_grad()
    def fit(self, states: Tensor | Iterable[Tensor]) -> None:
        """Set the statistics from states [N, ..., d], padding excluded, at once or in batches."""
        moments = gather(states)
        self.set(moments.mean, moments.deviation)

    @torch.no_grad()
    def set(self, mean: Tensor, deviation: Tensor) -> None:
        """Set the statistics, [..., d] each; what hardly varies is not blown up."""
        self.mean.copy_(mean)
        self.deviation.copy_(deviation.clamp_min(1e-4))

    def forward(self, states: Tensor) -> Tensor:
        """[..., d] -> [..., d]; outliers are cut at 10 deviations."""
        return ((states - self.mean) / self.deviation).clamp(-10, 10)


def gather(states: Tensor | Iterable[Tensor], *, covariance: bool = False) -> Moments:
    """Moments of states [N, ..., d], of all at once or of batches one after another."""
    moments = Moments(covariance=covariance)
    for batch in [states] if isinstance(states, Tensor) else states:
        moments.add(batch)
    return moments
