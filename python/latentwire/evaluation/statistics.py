"""Accuracies with their uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Z = 1.959963984540054  # two-sided 95%
BOOTSTRAP_SAMPLES = 2000
SEED = 1
RESAMPLING = f"{BOOTSTRAP_SAMPLES:,} resamples, seed {SEED}"


@dataclass(frozen=True)
class Accuracy:
    """Share of right answers.

    Attributes:
        percent: Of all rows, 0..100.
        low, high: Wilson's 95% interval, in percent.
        num_rows: Rows judged.
    """

    percent: float
    low: float
    high: float
    num_rows: int

    @classmethod
    def of(cls, is_right: NDArray[np.bool_]) -> Accuracy:
        """Accuracy of rows judged right or wrong."""
        n, share = len(is_right), float(is_right.mean())
        center = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        spread = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
        return cls(
            round(100 * share, 2),
            round(100 * (center - spread), 2),
            round(100 * (center + spread), 2),
            n,
        )


@dataclass(frozen=True)
class Difference:
    """Difference of two accuracies on the same rows.

    Attributes:
        points: First minus second, in percentage points.
        low, high: 95% interval by paired bootstrap.
    """

    points: float
    low: float
    high: float

    @classmethod
    def of(cls, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Difference:
        """Paired bootstrap over rows: 2,000 resamples, seed 1."""
        deltas = first.astype(np.int8) - second.astype(np.int8)
        generator = np.random.default_rng(SEED)
        # How often each of -1, 0, 1 is drawn is all that a resample's mean depends on.
        counts = np.array([(deltas == value).sum() for value in (-1, 0, 1)])
        drawn = generator.multinomial(len(deltas), counts / len(deltas), BOOTSTRAP_SAMPLES)
        means = 100 * (drawn[:, 2] - drawn[:, 0]) / len(deltas)
        low, high = np.percentile(means, [2.5, 97.5])
        return cls(
            round(100 * float(deltas.mean()), 2), round(float(low), 2), round(float(high), 2)
        )
