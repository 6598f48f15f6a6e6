"""What a task is: where its rows come from, how it is asked, and the answers that may be given."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from latentwire.errors import UsageError

Split = Literal["train", "validation", "test"]

DATA_DIR_VARIABLE = "LATENTWIRE_DATA"
"""Environment variable that names the data folder when none is given in code."""

VALIDATION_ROWS = 1000
"""Rows carved from the training file for validation (a tenth of it, if that is less)."""

_SPLIT_SEED = 20_261_124


@dataclass(frozen=True, slots=True)
class Example:
    """One row: the text that a sender reads and the index of its right answer."""

    text: str
    label: int


@dataclass(frozen=True)
class Task:
    """A closed-answer task.

    Attributes:
        name: Folder name below the data folder and key in tables.
        question: What the receiver is asked after the message, e.g. ``"Sentiment:"``.
        label_to_answer: Dataset label -> the words that the receiver scores, in label-index order.
    """

    name: str
    question: str
    label_to_answer: dict[str, str] = field(repr=False)

    @property
    def choices(self) -> tuple[str, ...]:
        """The verbalized answers, by label index."""
        return tuple(self.label_to_answer.values())

    def load(self, split: Split, data_dir: str | os.PathLike[str] | None = None) -> list[Example]:
        """Read one split, shuffled once with a fixed seed so that any prefix is a fair sample.

        ``validation`` is carved out of the training file and is disjoint from ``train``.

        Args:
            split: ``train``, ``validation`` or ``test``.
            data_dir: Folder with ``<task>/{train,test}.jsonl.gz``; default ``$LATENTWIRE_DATA``.

        Raises:
            UsageError: If the folder or the file is missing, or a row has an unknown label.
        """
        path = find_data_dir(data_dir) / self.name
        path /= "test.jsonl.gz" if split == "test" else "train.jsonl.gz"
        labels = {label: index for index, label in enumerate(self.label_to_answer)}
        rows = []
        for number, row in enumerate(read_jsonl(path), start=1):
            if row.get("label") not in labels:
                raise UsageError(
                    f"{path}, line {number}: label {row.get('label')!r} is not one of the "
                    f"{len(labels)} labels of task {self.name!r}"
                )
            text = str(row["text"]).strip()
            if text:
                rows.append(Example(text, labels[row["label"]]))
        random.Random(f"{_SPLIT_SEED}-{path.name}").shuffle(rows)  # noqa: S311 - not for secrets
        if split == "test":
            return rows
        held_out = min(VALIDATION_ROWS, len(rows) // 10)
        return rows[:held_out] if split == "validation" else rows[held_out:]


def find_data_dir(data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Resolve the data folder from the argument or ``$LATENTWIRE_DATA``.

    Raises:
        UsageError: If neither names an existing folder.
    """
    value = data_dir if data_dir is not None else os.environ.get(DATA_DIR_VARIABLE)
    if value is None:
        raise UsageError(
            "no data folder is set",
            hint=f"pass --data-dir FOLDER or set {DATA_DIR_VARIABLE}; "
            "its layout is <task>/{train,test}.jsonl.gz",
        )
    path = Path(value)
    if not path.is_dir():
        raise UsageError(f"data folder {path} does not exist")
    return path


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a ``.jsonl.gz`` file.

    Raises:
        UsageError: If the file is missing.
    """
    if not path.is_file():
        raise UsageError(f"data file {path} does not exist")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
