"""Batches of like length out of an endless mixture."""

from __future__ import annotations

import random
from collections.abc import Iterator

import torch
from tiny_mixture import MAX_TOKENS, Mixture

BATCH_TOKENS = 3072  # padded tokens in a step
POOL = 512  # examples drawn at once and batched by length


def batches(
    mixture: Mixture, seed: int, bos: list[int], pad: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless (ids, weights) batches [B, T]; weights are of the prediction of each id.

    Rows of a pool are sorted by length, so little is padding. Padding is on the right under causal
    attention: no real position sees it, and its weight is zero.
    """
    pool_index = 0
    while True:
        rng = random.Random(f"{seed}-{pool_index}")
        pool_index += 1
        rows = []
        for _ in range(POOL):
            ids, weights = list(bos), [0.0] * len(bos)
            parts = mixture.draw(rng)
            excess = sum(len(part) for part, _ in parts) + len(bos) - MAX_TOKENS
            for number, (part, weight) in enumerate(parts):
                kept = part[: max(8, len(part) - excess)] if number == 0 and excess > 0 else part
                ids += kept
                weights += [weight] * len(kept)
            rows.append((ids[: MAX_TOKENS + 64], weights[: MAX_TOKENS + 64]))
        rows.sort(key=lambda row: len(row[0]))
        pool: list[tuple[torch.Tensor, torch.Tensor]] = []
        while rows:
            width = len(rows[-1][0])
            count = max(1, BATCH_TOKENS // width)
            taken = [rows.pop() for _ in range(min(count, len(rows)))]
            width = len(taken[0][0])
            pool.append(
                (
                    torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in taken]),
                    torch.tensor([w + [0.0] * (width - len(w)) for _, w in taken]),
                )
            )
        rng.shuffle(pool)
        yield from pool
