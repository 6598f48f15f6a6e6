"""Batches of like length out of an endless mixture."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import torch
from tiny_mixture import MAX_TOKENS, Mixture
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

POOL_BATCHES = 14  # drawn at once and sorted by length, so that little of a batch is padding
EXAMPLE_TOKENS = 75  # about what an example has

Batch = tuple[torch.Tensor, torch.Tensor]


class Pools(IterableDataset[list[Batch]]):
    """Endless pools of batches; each depends on the seed and its number alone.

    Of several workers each makes every so manieth, and the loader takes them in turn: the order of
    pools, and so of steps, is the same for any number of workers.

    Args:
        mixture: What is drawn from.
        seed: Other examples for another one.
        bos: Ids before every example.
        pad: Padding id.
        batch_tokens: Padded tokens in a batch.
    """

    def __init__(
        self, mixture: Mixture, seed: int, bos: list[int], pad: int, batch_tokens: int
    ) -> None:
        self.mixture = mixture
        self.seed = seed
        self.bos = bos
        self.pad = pad
        self.batch_tokens = batch_tokens

    def __iter__(self) -> Iterator[list[Batch]]:
        worker = get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for number in itertools.count(first, stride):
            yield self.pool(random.Random(f"{self.seed}-{number}"))

    def pool(self, rng: random.Random) -> list[Batch]:
        """Batches of some hundred examples, in random order."""
        count = POOL_BATCHES * self.batch_tokens // EXAMPLE_TOKENS
        rows = sorted((self._row(rng) for _ in range(count)), key=lambda row: len(row[0]))
        batches = []
        while rows:
            width = len(rows[-1][0])
            taken = rows[-max(1, self.batch_tokens // width) :]
            del rows[-len(taken) :]
            # Padding is on the right under causal attention: no real position sees it, and its
            # weight is zero.
            ids = torch.full((len(taken), width), self.pad)
            weights = torch.zeros(len(taken), width)
            for index, (row_ids, row_weights) in enumerate(taken):
                ids[index, : len(row_ids)] = torch.tensor(row_ids)
                weights[index, : len(row_ids)] = torch.tensor(row_weights)
            batches.append((ids, weights))
        rng.shuffle(batches)
        return batches

    def _row(self, rng: random.Random) -> tuple[list[int], list[float]]:
        """Ids and loss weights of one example; a text that is too long loses its end."""
        ids, weights = list(self.bos), [0.0] * len(self.bos)
        parts = self.mixture.draw(rng)
        excess = sum(len(part) for part, _ in parts) + len(self.bos) - MAX_TOKENS
        for number, (part, weight) in enumerate(parts):
            kept = part[: max(8, len(part) - excess)] if number == 0 and excess > 0 else part
            ids += kept
            weights += [weight] * len(kept)
        return ids[: MAX_TOKENS + 64], weights[: MAX_TOKENS + 64]


def batches(pools: Pools, workers: int) -> Iterator[Batch]:
    """Endless (ids, weights) batches [B, T]; weights are of the prediction of each id.

    Args:
        pools: Where they come from.
        workers: Processes that make them beside this one; 0 makes them here.
    """
    loader = DataLoader(
        pools,
        batch_size=None,
        num_workers=workers,
        prefetch_factor=2 if workers else None,
        collate_fn=lambda pool: pool,
    )
    for pool in loader:
        yield from pool
