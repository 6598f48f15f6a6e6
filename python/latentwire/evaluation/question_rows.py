"""Questions of one kind as rows of a table, and what a constant guess would reach on them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentwire.evaluation.rows import BATCH
from latentwire.tasks.asked import QUESTION_SETS, Asked, majority_rate
from latentwire.tasks.base import Split


@dataclass(frozen=True)
class QuestionRows:
    """Questions of a kind in a split.

    Attributes:
        kind: The kind's name.
        asked: Its questions in a fixed shuffled order.
    """

    kind: str
    asked: list[Asked]

    @classmethod
    def load(cls, kind: str, split: Split, data_dir: Path, limit: int | None) -> QuestionRows:
        """Read the split, or ``limit`` of its questions.

        Raises:
            UsageError: If the data is missing.
        """
        return cls(kind, QUESTION_SETS[kind].load(split, data_dir, limit=limit))

    def batches(self) -> Iterator[NDArray[np.int64]]:
        """Row numbers of each batch, texts of like length together."""
        order = np.argsort([len(row.text) for row in self.asked], kind="stable")
        for start in range(0, len(order), BATCH):
            yield order[start : start + BATCH]

    def others(self) -> NDArray[np.int64]:
        """For each row one of another text, whose message it is given as a control."""
        texts = [row.text for row in self.asked]
        if len(set(texts)) < 2:
            raise ValueError("a control needs another text")
        found = np.arange(len(texts))
        for row, text in enumerate(texts):
            other = (row + 1) % len(texts)
            while texts[other] == text:
                other = (other + 1) % len(texts)
            found[row] = other
        return found

    def groups(self) -> dict[str, NDArray[np.bool_]]:
        """All rows; and, where answers are numbers, those of one, two and three digits."""
        everything = np.ones(len(self.asked), dtype=bool)
        found = {self.kind: everything}
        if all(row.choices is None and row.answer.isdecimal() for row in self.asked):
            lengths = np.array([len(row.answer) for row in self.asked])
            for digits in (1, 2, 3):
                if (lengths == digits).any():
                    found[f"{self.kind}, {digits} digit{'s' * (digits > 1)}"] = lengths == digits
        return found

    def majority_percent(self, chosen: NDArray[np.bool_]) -> float:
        """What a constant guess reaches on some of the rows."""
        rows = [row for row, is_chosen in zip(self.asked, chosen, strict=True) if is_chosen]
        return round(100 * majority_rate(rows), 1)

    @cached_property
    def digest(self) -> str:
        """BLAKE2b-48 of texts, questions and answers, hexadecimal: what a figure is about."""
        digest = hashlib.blake2b(digest_size=6)
        for row in self.asked:
            for field in (row.text, row.question, row.answer):
                digest.update(field.encode() + b"\0")
        return digest.hexdigest()
