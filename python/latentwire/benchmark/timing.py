"""Paired timings: every call in every round, so that all of them see the same machine.

A round times each call once, in short batches; the rounds rotate who goes first. The best round is
the cost of the work itself, the median what was met on the machine as it was. Both are given, and
ratios are of the best: on a busy machine it is the only figure that repeats.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Timing", "one_core", "speedup", "time_together"]

BATCH_SECONDS = 500e-6
"""How long a batch aims to take: long against the clock, short against a slice of the scheduler, so
that many batches are never interrupted."""
MOST_CALLS = 1_000
"""The most calls of a batch."""
PROBES = 5
"""Calls of each kind before anything counts; the fastest sets the size of a batch."""
WARM_UP = 3
"""Untimed calls before a batch, at most as many as it has: whoever was timed before has filled the
caches, and the fewer calls make a batch, the more each would pay for it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that one call took, a sample a round; rounds of timings made together are paired."""

    samples: tuple[float, ...]

    @property
    def best(self) -> float:
        """Seconds of the fastest round."""
        return min(self.samples)

    @property
    def median(self) -> float:
        """Seconds of the median round."""
        return statistics.median(self.samples)


def speedup(ours: Timing, theirs: Timing) -> float:
    """How many times as fast as theirs ours is, by the best rounds; above 1 ours is faster."""
    return theirs.best / ours.best


def time_together(calls: Mapping[str, Callable[[], object]], repeat: int) -> dict[str, Timing]:
    """Time calls against each other.

    Args:
        calls: What to time, by name.
        repeat: Rounds, at least 1.

    Returns:
        A timing of ``repeat`` samples for each name.
    """
    sizes = {name: _batch_size(call) for name, call in calls.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    collects = gc.isenabled()
    gc.disable()  # as timeit does: a collection would be charged to whoever it falls on
    try:
        for round_ in range(repeat):
            first = round_ % max(len(names), 1)
            for name in names[first:] + names[:first]:
                _time(calls[name], min(WARM_UP, sizes[name]))
                samples[name].append(_time(calls[name], sizes[name]))
    finally:
        if collects:
            gc.enable()
    return {name: Timing(tuple(taken)) for name, taken in samples.items()}


def _batch_size(call: Callable[[], object]) -> int:
    quickest = min(_time(call, 1) for _ in range(PROBES))
    return max(1, min(MOST_CALLS, int(BATCH_SECONDS / max(quickest, 1e-9))))


def _time(call: Callable[[], object], count: int) -> float:
    """Seconds a call, over ``count`` calls."""
    start = time.perf_counter()
    for _ in itertools.repeat(None, count):
        call()
    return (time.perf_counter() - start) / count


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this thread, and libraries that start threads of their own, on one core.

    Where the system has no affinity (macOS), it does nothing: the codecs are single-threaded by
    themselves, and only a peer that is not would gain.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})  # the first cores serve most interrupts
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
