"""How rows of the user's own become a task: what is read, what is asked, what is answered."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, time, timedelta
from numbers import Number
from pathlib import Path
from typing import Any

from latentwire.errors import ChoicesError, DataError, UsageError
from latentwire.extras import require_extra
from latentwire.questions import GENERIC_QUESTION
from latentwire.text import check_question

_PRINTABLE = (str, Number, date, time, timedelta)  # what a cell may hold
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class PromptTemplate:
    """The words around a row; in YAML, a file with these keys.

    Attributes:
        question: What the receiver is asked after the message.
        verbalizers: Label -> the answer that the receiver scores, in label-index order; None:
            the labels as they are, underscores read as spaces.
        text: What the sender reads, columns in braces, e.g. ``"{title}. {body}"``.

    Raises:
        ChoicesError: If answers are fewer than two, empty or repeated.
        DataError: If the text names no column.
        UsageError: If the question is not one that can be asked.
    """

    question: str = GENERIC_QUESTION
    verbalizers: Mapping[str, str] | None = None
    text: str = "{text}"

    def __post_init__(self) -> None:
        check_question(self.question)
        if not self.columns:
            raise DataError(
                f"the text template {self.text!r} names no column",
                hint='write columns in braces: "{title}. {body}"',
            )
        if self.verbalizers is not None:
            check_answers(self.verbalizers)

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str]) -> PromptTemplate:
        """Read a file with some of the keys ``question``, ``verbalizers`` and ``text``.

        Labels and answers are read as they are written: ``yes`` and ``1`` are words too.

        Raises:
            DataError: If the file is missing, is no such YAML, or has another key, or its text
                names no column.
            ChoicesError: If answers are fewer than two, empty or repeated.
            UsageError: If the question is not one that can be asked.
            MissingExtraError: If PyYAML is not installed.
        """
        require_extra("train", "yaml")
        import yaml

        known = {field.name for field in fields(cls)}
        hint = f"write some of the keys {', '.join(sorted(known))}, as in docs/guides/training.md"
        try:
            # Builds strings, lists and mappings only.
            found = yaml.load(Path(path).read_text("utf-8"), yaml.BaseLoader)  # noqa: S506
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            said = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
            raise DataError(f"prompt template {path} cannot be read: {said}", hint=hint) from error
        if not isinstance(found, dict) or not known.issuperset(found):
            raise DataError(
                f"{path}: expected a mapping with keys {', '.join(sorted(known))}, "
                f"found {sorted(found) if isinstance(found, dict) else type(found).__name__}",
                hint=hint,
            )
        verbalizers = found.get("verbalizers")
        if verbalizers is not None and not (
            isinstance(verbalizers, dict)
            and all(isinstance(answer, str) for answer in verbalizers.values())
        ):
            raise DataError(
                f"{path}: verbalizers must map each label to one answer",
                hint="write them so: verbalizers: {spam: unwanted, ham: wanted}",
            )
        for key in ("question", "text"):
            if not isinstance(found.get(key, ""), str):
                raise DataError(
                    f"{path}: {key} must be one text, found {found[key]!r}",
                    hint='quote it: text: "{title}. {body}"',  # braces alone are a mapping
                )
        try:
            return cls(**found)
        except UsageError as error:
            raise type(error)(f"{path}: {error}", hint=error.hint) from error

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that make up the text, in its order."""
        return tuple(dict.fromkeys(_PLACEHOLDER.findall(self.text)))

    def render(self, row: Mapping[str, Any]) -> str:
        """The text of a row; cells without a value are empty.

        Raises:
            DataError: If a cell holds something else than a text, a number or a time.
        """
        return _PLACEHOLDER.sub(lambda match: read_cell(row, match[1]), self.text).strip()


def read_cell(row: Mapping[str, Any], column: str) -> str:
    """A cell as text; without a value it is empty.

    Raises:
        DataError: If it holds something else than a text, a number or a time.
    """
    value = row[column]
    if value is None:
        return ""
    if not isinstance(value, _PRINTABLE):
        raise DataError(
            f"column {column!r}: expected a text or a number, found a {type(value).__name__}",
            hint="name another column, or write one text into each of its cells",
        )
    return str(value)


def check_answers(label_to_answer: Mapping[str, str], where: str = "verbalizers") -> None:
    """Refuse answers among which a receiver cannot choose.

    Args:
        label_to_answer: Label -> answer.
        where: What errors call them.

    Raises:
        ChoicesError: If they are fewer than two, empty or repeated.
    """
    answers = [answer.strip() for answer in label_to_answer.values()]
    hint = "give each label an answer of its own"
    if len(answers) < 2:
        raise ChoicesError(
            f"{where}: a task needs two answers or more, found {answers}",
            hint="name two labels or more, each with its answer",
        )
    for label, answer in zip(label_to_answer, answers, strict=True):
        if not answer:
            raise ChoicesError(f"{where}: the answer of label {label!r} is empty", hint=hint)
        alike = [
            other for other, same in zip(label_to_answer, answers, strict=True) if same == answer
        ]
        if len(alike) > 1:
            raise ChoicesError(
                f"{where}: the answer {answer!r} stands for more than one label: "
                f"{', '.join(map(repr, alike))}",
                hint=hint,
            )
