"""Means of what steps return, over the steps and the processes since they were last asked for."""

from __future__ import annotations

import time

import torch
from accelerate import Accelerator
from torch import Tensor


class Means:
    """Sums up on the device, so that a step need not wait for it.

    Args:
        accelerator: Whose processes each return a share of the values.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self._start()

    def _start(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.num_steps = 0
        self.started = time.monotonic()

    def add(self, values: dict[str, Tensor]) -> None:
        """Take a step's values into account; a step need not have all of them."""
        self.num_steps += 1
        for name, value in values.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value
            self.counts[name] = self.counts.get(name, 0) + 1

    def take(self, batch_size: int) -> dict[str, float]:
        """The means, with ``examples_per_second``, and start again; all processes take part."""
        names = list(self.sums)
        shares = torch.stack([self.sums[name].float() for name in names])
        totals: Tensor = self.accelerator.reduce(shares)
        means = {
            name: total / self.counts[name]
            for name, total in zip(names, totals.tolist(), strict=True)
        }
        # The norm is that of the whole in every process, not a share of it.
        means["gradient_norm"] /= self.accelerator.num_processes
        means["examples_per_second"] = (
            batch_size * self.num_steps / max(1e-9, time.monotonic() - self.started)
        )
        self._start()
        return means
