"""How likely each answer of a task is for each training row, by somebody who judged them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from latentwire.durable import whole_file
from latentwire.errors import DataError
from latentwire.tasks import TASKS

_FORMAT = "latentwire-soft-labels"
_ROUNDING = 1e-2  # how far the sum of a row's probabilities may be from one, in half precision


@dataclass(frozen=True)
class SoftLabels:
    """Probabilities of answers.

    Attributes:
        tables: Task -> float32 [N, C], a row for each of its training rows, in their order, which
            sums to one.
    """

    tables: Mapping[str, Tensor]

    def save(self, path: Path, texts: Mapping[str, Sequence[str]]) -> None:
        """Write a file that says which rows it judges.

        Args:
            path: Where to.
            texts: Of each task, in the order of its table.

        Raises:
            DiskFullError: If there is no room.
        """
        metadata = {"format": _FORMAT} | {task: _digest(texts[task]) for task in self.tables}
        with whole_file(path) as partial:
            save_file({k: v.half().contiguous() for k, v in self.tables.items()}, partial, metadata)

    @classmethod
    def load(cls, path: Path, texts: Mapping[str, Sequence[str]]) -> SoftLabels:
        """Read a file, of those tasks that are trained on.

        Args:
            path: The file.
            texts: Training texts of each task; the file must be of these very rows.

        Raises:
            DataError: If the file is missing or damaged, or judges other rows.
        """
        check_there(path)
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                tables = {task: file.get_tensor(task).float() for task in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise DataError(f"soft labels {path}: damaged ({error})") from error
        if metadata.get("format") != _FORMAT:
            raise DataError(f"soft labels {path}: a safetensors file of another kind")
        chosen = {task: table for task, table in tables.items() if task in texts}
        if not chosen:
            raise DataError(
                f"soft labels {path}: of {', '.join(tables)}, and trained are {', '.join(texts)}"
            )
        for task, table in chosen.items():
            shape = len(texts[task]), len(TASKS[task].choices)
            if table.shape != shape:
                raise DataError(
                    f"soft labels {path}: {task} has {shape[0]:,} rows and {shape[1]} answers, "
                    f"and {tuple(table.shape)} is the table's shape"
                )
            if metadata.get(task) != _digest(texts[task]):
                raise DataError(
                    f"soft labels {path}: they judge other rows of {task}, or in another order",
                    hint="write them anew from this data folder",
                )
            sums = table.sum(1)  # not a number if one of them is none
            if not ((sums - 1).abs() < _ROUNDING).all() or (table < 0).any():
                raise DataError(f"soft labels {path}: {task} holds what are no probabilities")
        return cls(chosen)

    def draw(self, task: str, row: int, rng: random.Random) -> int:
        """An answer of a row, as likely as it is thought to be right."""
        weights = self.tables[task][row].tolist()
        return rng.choices(range(len(weights)), weights)[0]


def check_there(path: Path) -> None:
    """Refuse a file that is not there.

    Raises:
        DataError: If it is not.
    """
    if not path.is_file():
        raise DataError(
            f"soft labels: there is no file {path}", hint="training/write_soft_labels.py writes one"
        )


def _digest(texts: Sequence[str]) -> str:
    found = hashlib.sha256()
    for text in texts:
        found.update(text.encode() + b"\0")
    return found.hexdigest()[:32]
