"""Passages with questions that people wrote: BoolQ and SQuAD.

BoolQ: Clark et al. 2019, https://arxiv.org/abs/1905.10044. SQuAD: Rajpurkar et al. 2016,
https://arxiv.org/abs/1606.05250.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentwire.errors import UsageError
from latentwire.tasks.asked.base import Asked, generator
from latentwire.tasks.base import Split, find_data_dir, read_jsonl
from latentwire.tasks.held_out import hold_out

Row = Mapping[str, Any]


@dataclass(frozen=True)
class PassageQuestions:
    """Questions that come with their passages.

    Attributes:
        kind: Name in recipes and tables.
        read_row: A row of the data set -> what is asked.
        folder: Folder below the data folder.
        hub_name: Where the `datasets` library finds the whole set.
    """

    kind: str
    read_row: Callable[[Row], Asked]
    folder: str
    hub_name: str

    def load(
        self,
        split: Split,
        data_dir: str | os.PathLike[str] | None = None,
        *,
        limit: int | None = None,
        seed: int = 0,  # noqa: ARG002 - nothing is drawn
    ) -> list[Asked]:
        """Read one split in a fixed shuffled order; see `QuestionSet`.

        ``validation`` is carved out of the training file by passage.
        """
        rows = self.ask(read_jsonl(self.locate(split, find_data_dir(data_dir))))
        generator(0, self.kind).shuffle(rows)
        if split != "test":
            held_out = hold_out([row.text for row in rows], self.kind)
            rows = [row for row in rows if (row.text in held_out) == (split == "validation")]
        return rows[:limit]

    def locate(self, split: Split, data_dir: Path) -> Path:
        """The file of a split.

        Raises:
            UsageError: If there is none.
        """
        path = data_dir / self.folder / ("test" if split == "test" else "train")
        path = path.with_suffix(".jsonl.gz")
        if not path.is_file():
            raise UsageError(
                f"data file {path} does not exist",
                hint=f"{self.kind} is on the hub as {self.hub_name}; rows of its splits can be "
                "read with the ask method of this set",
            )
        return path

    def ask(self, rows: Iterable[Row]) -> list[Asked]:
        """Read rows of the data folder or of ``datasets.load_dataset(hub_name, split=...)``."""
        return [self.read_row(row) for row in rows]


def _boolq(row: Row) -> Asked:
    answer = "yes" if row["answer"] else "no"
    question = f"{row['question'].strip().rstrip('?')}?"
    return Asked(row["passage"].strip(), question, ("no", "yes"), answer, "boolq")


def _squad(row: Row) -> Asked:
    """The hub's rows have ``context`` and ``answers["text"]``, those of the data folder a list."""
    answers = row["answers"]["text"] if isinstance(row["answers"], Mapping) else row["answers"]
    first, *others = dict.fromkeys(answer.strip() for answer in answers)
    text = row["passage"] if "passage" in row else row["context"]
    return Asked(text.strip(), row["question"].strip(), None, first, "squad", tuple(others))


BOOLQ = PassageQuestions("boolq", _boolq, "boolq", "google/boolq")
"""Yes or no; about 62% of the answers are yes."""
SQUAD = PassageQuestions("squad", _squad, "squad_dev_subset", "rajpurkar/squad")
"""A span of the passage, generated and compared exactly; the data folder has a test split only."""
