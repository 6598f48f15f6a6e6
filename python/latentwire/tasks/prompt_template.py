"""How rows of the user's own become a task: what is read, what is asked, what is answered."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from latentwire.errors import ChoicesError, DataError
from latentwire.extras import require_extra
from latentwire.questions import GENERIC_QUESTION
from latentwire.text import check_question

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
            DataError: If the file is missing, is no such YAML, or has another key.
            MissingExtraError: If PyYAML is not installed.
        """
        require_extra("train", "yaml")
        import yaml

        known = {field.name for field in fields(cls)}
        try:
            # Builds strings, lists and mappings only.
            found = yaml.load(Path(path).read_text("utf-8"), yaml.BaseLoader)  # noqa: S506
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise DataError(f"prompt template {path} cannot be read: {error}") from error
        if not isinstance(found, dict) or not known.issuperset(found):
            raise DataError(
                f"{path}: expected a mapping with keys {', '.join(sorted(known))}, "
                f"found {sorted(found) if isinstance(found, dict) else type(found).__name__}"
            )
        verbalizers = found.get("verbalizers")
        if verbalizers is not None and not (
            isinstance(verbalizers, dict)
            and all(isinstance(answer, str) for answer in verbalizers.values())
        ):
            raise DataError(f"{path}: verbalizers must map each label to one answer")
        return cls(**found)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that make up the text, in its order."""
        return tuple(dict.fromkeys(_PLACEHOLDER.findall(self.text)))

    def render(self, row: Mapping[str, Any]) -> str:
        """The text of a row; cells without a value are empty."""

        def cell(match: re.Match[str]) -> str:
            value = row[match[1]]
            return "" if value is None else str(value)

        return _PLACEHOLDER.sub(cell, self.text).strip()


def check_answers(label_to_answer: Mapping[str, str]) -> None:
    """Refuse answers among which a receiver cannot choose.

    Raises:
        ChoicesError: If they are fewer than two, empty or repeated.
    """
    answers = [answer.strip() for answer in label_to_answer.values()]
    if len(answers) < 2:
        raise ChoicesError(f"a task needs two answers or more, found {answers}")
    for label, answer in label_to_answer.items():
        if not answer.strip():
            raise ChoicesError(f"the answer of label {label!r} is empty")
        if answers.count(answer.strip()) > 1:
            raise ChoicesError(
                f"the answer {answer!r} stands for more than one label",
                hint="give each label an answer of its own",
            )
