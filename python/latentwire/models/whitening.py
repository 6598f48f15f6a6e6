"""Whitening: states of any sender arrive with zero mean and no correlations."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from latentwire.models.normalizer import gather

FLOOR = 1e-4  # share of the mean variance below which a direction is taken for noise


class Whitening(nn.Module):
    """Whitens hidden states with the sender's mean and covariance, gathered once.

    Of all whitening maps the symmetric one (ZCA) moves states least. Directions with hardly any
    variance are not blown up to unit variance. The statistics are buffers, as those of
    ``StatisticalNormalizer``; weights files keep stacks of matrices in float16, which this needs.

    Args:
        num_layers: Layers n that are whitened each by its own statistics.
        width: d of the states.
    """

    mean: Tensor
    transform: Tensor

    def __init__(self, num_layers: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_layers, width))
        self.register_buffer("transform", torch.eye(width).repeat(num_layers, 1, 1))

    @torch.no_grad()
    def fit(self, states: Tensor | Iterable[Tensor]) -> None:
        """Set the statistics from states [N, n, d], padding excluded, at once or in batches."""
        moments = gather(states, covariance=True)
        variances, directions = torch.linalg.eigh(moments.covariance)  # [n, d], [n, d, d]
        floor = FLOOR * variances.mean(-1, keepdim=True)
        scaled = directions * variances.clamp_min(0).add(floor).rsqrt()[:, None, :]
        self.mean.copy_(moments.mean)
        self.transform.copy_((scaled @ directions.mT).float())

    def forward(self, states: Tensor) -> Tensor:
        """[..., n, d] -> [..., n, d]; outliers are cut at 10 deviations."""
        # Not in bfloat16: what rounds a loud direction is as large as what is made of a quiet one.
        with torch.autocast(states.device.type, enabled=False):
            whitened = torch.einsum("...nd,nde->...ne", states - self.mean, self.transform)
        return whitened.clamp(-10, 10)
