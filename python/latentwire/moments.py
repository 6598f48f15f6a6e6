"""Streaming mean and covariance: statistics of more states than fit into memory."""

from __future__ import annotations

import torch
from torch import Tensor


class Moments:
    """Mean and deviation, or covariance, over batches (Chan, Golub and LeVeque, 1979).

    Sums are in float64: the difference of two large float32 sums would be noise.

    Args:
        covariance: Keep products of all pairs of the last dimension, not its squares alone.
    """

    def __init__(self, *, covariance: bool = False) -> None:
        self.count = 0
        self._keeps_covariance = covariance
        self._mean = torch.zeros(())
        self._products = torch.zeros(())

    def add(self, samples: Tensor) -> None:
        """Add samples [N, ..., d]."""
        count = samples.shape[0]
        if count == 0:
            return
        values = samples.detach().double()
        mean = values.mean(0)
        products = self._sum_of_products(values - mean)
        if self.count == 0:
            self.count, self._mean, self._products = count, mean, products
            return
        total = self.count + count
        shift = mean - self._mean
        between = self._sum_of_products(shift[None]) * (self.count * count / total)
        self._products = self._products + products + between
        self._mean = self._mean + shift * (count / total)
        self.count = total

    @property
    def mean(self) -> Tensor:
        """float32 [..., d]."""
        return self._mean.float()

    @property
    def deviation(self) -> Tensor:
        """Standard deviation per dimension, float32 [..., d]; unbiased."""
        products = self._products
        squares = products.diagonal(dim1=-2, dim2=-1) if self._keeps_covariance else products
        return (squares / max(1, self.count - 1)).sqrt().float()

    @property
    def covariance(self) -> Tensor:
        """float64 [..., d, d]; unbiased."""
        assert self._keeps_covariance
        return self._products / max(1, self.count - 1)

    def _sum_of_products(self, centered: Tensor) -> Tensor:
        if self._keeps_covariance:
            return torch.einsum("n...i,n...j->...ij", centered, centered)
        return centered.square().sum(0)
