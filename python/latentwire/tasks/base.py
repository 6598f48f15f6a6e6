"""What a task is: where its rows come from, how it is asked, and the answers that may be given."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from latentwire.errors import UsageError
from latentwire.extras import require_extra
from latentwire.questions import GENERIC_QUESTION

if TYPE_CHECKING:
    from latentwire.tasks.prompt_template import PromptTemplate

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
        examples: The rows of each split, of a task that is made of the user's own data; None: they
            are read from the data folder.
        folder: Folder below the data folder, if it is another task's, whose splits it then shares.
        label_field: Where a row of a file has its label.
    """

    name: str
    question: str
    label_to_answer: dict[str, str] = field(repr=False)
    examples: Mapping[Split, list[Example]] | None = field(default=None, repr=False, compare=False)
    folder: str = ""
    label_field: str = "label"

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        text_column: str = "text",
        label_column: str = "label",
        test_split: str = "test",
        question: str = GENERIC_QUESTION,
        verbalizers: Mapping[str, str] | None = None,
        template: PromptTemplate | None = None,
        name: str | None = None,
    ) -> Task:
        """Make a task of a CSV, TSV, JSON-lines or Parquet file, or of a folder of them.

        A folder holds ``train.csv`` and, if there are such splits, ``validation.csv`` and
        ``test.csv``. A split that is not there is held out of ``train``, a tenth of its texts.

        Args:
            path: The file or folder; gzip is read too.
            text_column: What the sender reads.
            label_column: What is to be answered.
            test_split: Where the labels of ``test`` are withheld, the split that is used instead.
            question: What the receiver is asked.
            verbalizers: Label -> answer, in label-index order; default: the labels themselves.
            template: Question, verbalizers and a text of several columns, in place of the above.
            name: Key in tables; default: the file's name.

        Raises:
            DataError: If a file, split or column is missing, cannot be read or has no rows, text
                and label are one column, a cell is a list or a mapping, or a label is empty or has
                no verbalizer.
            EmptyTextError: If texts are empty.
            TextTooLongError: If texts are longer than a sender takes.
            ChoicesError: If the answers are fewer than two, empty or repeated.
            MissingExtraError: If `datasets` is not installed.
        """
        from latentwire.tasks.own import build_task
        from latentwire.tasks.prompt_template import PromptTemplate
        from latentwire.tasks.sources import open_files

        template = template or PromptTemplate(question, verbalizers, f"{{{text_column}}}")
        return build_task(
            open_files(path, [*template.columns, label_column]),
            template,
            name=name or Path(path).name.split(".")[0],
            label_column=label_column,
            test_split=test_split,
        )

    @classmethod
    def from_hub(
        cls,
        hub_name: str,
        *,
        config: str | None = None,
        revision: str | None = None,
        test_split: str = "test",
        text_column: str = "text",
        label_column: str = "label",
        question: str = GENERIC_QUESTION,
        verbalizers: Mapping[str, str] | None = None,
        template: PromptTemplate | None = None,
        name: str | None = None,
    ) -> Task:
        """Make a task of a data set by its hub name, through ``datasets.load_dataset``.

        Args:
            hub_name: For example ``"stanfordnlp/sst2"``, or a local folder.
            config: Which configuration of the data set, where it has several.
            revision: Branch, tag or commit; a commit gives the same rows for ever.
            test_split: As for `from_file`, and so are all that follow.
            text_column: What the sender reads.
            label_column: Its labels are names where the data set has names for them.
            question: What the receiver is asked.
            verbalizers: Label -> answer.
            template: In place of text column, question and verbalizers.
            name: Key in tables; default: the last part of the hub name.

        Raises:
            DataError: If the set cannot be reached or read, or as for `from_file`.
            EmptyTextError: As for `from_file`, and so are all that follow.
            TextTooLongError: If texts are longer than a sender takes.
            ChoicesError: If the answers are fewer than two, empty or repeated.
            MissingExtraError: If `datasets` is not installed.
        """
        from latentwire.tasks.own import build_task
        from latentwire.tasks.prompt_template import PromptTemplate
        from latentwire.tasks.sources import open_hub

        template = template or PromptTemplate(question, verbalizers, f"{{{text_column}}}")
        return build_task(
            open_hub(hub_name, config, revision),
            template,
            name=name or Path(hub_name).name,
            label_column=label_column,
            test_split=test_split,
        )

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
        if self.examples is not None:
            return _shuffled(self.examples[split], split)
        path = find_data_dir(data_dir) / (self.folder or self.name)
        path /= "test.jsonl.gz" if split == "test" else "train.jsonl.gz"
        labels = {label: index for index, label in enumerate(self.label_to_answer)}
        rows = []
        for number, row in enumerate(read_jsonl(path), start=1):
            label = row.get(self.label_field)
            if label not in labels:
                raise UsageError(
                    f"{path}, line {number}: {self.label_field} {label!r} is not one of the "
                    f"{len(labels)} labels of task {self.name!r}"
                )
            text = str(row["text"]).strip()
            if text:
                rows.append(Example(text, labels[label]))
        rows = _shuffled(rows, path.name)
        if split == "test":
            return rows
        held_out = min(VALIDATION_ROWS, len(rows) // 10)
        return rows[:held_out] if split == "validation" else rows[held_out:]


def _shuffled(rows: Sequence[Example], salt: str) -> list[Example]:
    shuffled = list(rows)
    random.Random(f"{_SPLIT_SEED}-{salt}").shuffle(shuffled)  # noqa: S311 - not for secrets
    return shuffled


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


def read_jsonl(path: Path) -> Iterator[Any]:
    """Yield the values of a ``.jsonl.gz`` or ``.jsonl.zst`` file, one a line.

    Raises:
        MissingExtraError: If it is packed with zstd and ``zstandard`` is not installed.
        UsageError: If the file is missing.
    """
    if not path.is_file():
        raise UsageError(f"data file {path} does not exist")
    opener: Any = gzip.open
    if path.suffix == ".zst":
        require_extra("train", "zstandard")
        from zstandard import open as opener
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
