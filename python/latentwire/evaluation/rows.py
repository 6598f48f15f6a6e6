"""Rows of a split in the order of computing: by length, so that batches hold no padding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentwire.tasks import TASKS, Task
from latentwire.tasks.base import Split

BATCH = 64
WIDE_BATCH = 16  # for questions whose answer tree is larger than the message
_MANY_CHOICES = 16


@dataclass(frozen=True)
class SplitRows:
    """A split of a task, the test split as a rule.

    Attributes:
        task: The task.
        texts: Texts in the split's fixed shuffled order.
        labels: Right answers, int64 [N].
        name: ``test``, or ``validation`` for choices that must not be made on the test split.
    """

    task: Task
    texts: list[str]
    labels: NDArray[np.int64]
    name: Split = "test"

    @classmethod
    def load(cls, name: str, data_dir: Path, limit: int | None, split: Split = "test") -> SplitRows:
        """Read the split, or the first ``limit`` rows of its shuffled order."""
        examples = TASKS[name].load(split, data_dir)[:limit]
        labels = np.array([example.label for example in examples])
        return cls(TASKS[name], [example.text for example in examples], labels, split)

    def batches(self) -> Iterator[NDArray[np.int64]]:
        """Row numbers of each batch, texts of like length together."""
        size = WIDE_BATCH if len(self.task.choices) > _MANY_CHOICES else BATCH
        order = np.argsort([len(text) for text in self.texts], kind="stable")
        for start in range(0, len(order), size):
            yield order[start : start + size]

    @cached_property
    def digest(self) -> str:
        """BLAKE2b-48 of texts and labels, hexadecimal: which rows a figure is about."""
        digest = hashlib.blake2b(self.labels.astype("<i8").tobytes(), digest_size=6)
        for text in self.texts:
            digest.update(text.encode() + b"\0")
        return digest.hexdigest()

    @property
    def chance_percent(self) -> float:
        """What guessing every answer equally often reaches."""
        return round(100 / len(self.task.choices), 2)

    @property
    def majority_percent(self) -> float:
        """Share of the most frequent answer: what a constant guess reaches."""
        return round(100 * float(np.bincount(self.labels).max()) / len(self.labels), 2)

    def others(self) -> NDArray[np.int64]:
        """For each row another one, whose message it is given as a control: the next, around."""
        return np.roll(np.arange(len(self.texts)), -1)
