"""What an asked text is: a question that the sender never sees, with its right answer."""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from latentwire.errors import ChoicesError
from latentwire.tasks.base import Split


@dataclass(frozen=True, slots=True)
class Asked:
    """One text, one question about it and the right answer. Many may share a text.

    Attributes:
        text: What the sender reads, and all that it reads.
        question: What the receiver is asked after the message.
        choices: The answers that are scored, or None where the answer is generated.
        answer: The right answer; one of the choices if there are any.
        kind: Row of the table that it counts for, e.g. ``"who_did"``.
        aliases: Other answers that are right too; of generated answers only.

    Raises:
        ChoicesError: If the choices are fewer than two, repeated, or lack the answer.
    """

    text: str
    question: str
    choices: tuple[str, ...] | None
    answer: str
    kind: str
    aliases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.choices is None:
            return
        if len(self.choices) < 2 or len(set(self.choices)) < len(self.choices):
            raise ChoicesError(f"expected two or more different choices, found {self.choices}")
        if self.answer not in self.choices:
            raise ChoicesError(f"the answer {self.answer!r} is not one of {self.choices}")

    @property
    def label(self) -> int | None:
        """Index of the answer among the choices, None where it is generated."""
        return None if self.choices is None else self.choices.index(self.answer)


class QuestionSet(Protocol):
    """A kind of question and the texts that it is asked of."""

    @property
    def kind(self) -> str:
        """Name in recipes and tables."""
        ...

    def load(
        self,
        split: Split,
        data_dir: str | os.PathLike[str] | None = None,
        *,
        limit: int | None = None,
        seed: int = 0,
    ) -> list[Asked]:
        """Ask the texts of one split, the same for the same arguments.

        Args:
            split: ``train``, ``validation`` or ``test``.
            data_dir: As for `Task.load`; generated texts need none.
            limit: The most questions; None for all that there are.
            seed: Another seed asks other questions, where questions are drawn.

        Raises:
            UsageError: If the data is missing.
        """
        ...


def among(stem: str, choices: Sequence[str]) -> str:
    """A question that lists its choices: ``"Who won: Anna, Ben or Tom?"``."""
    return f"{stem}: {', '.join(choices[:-1])} or {choices[-1]}?"


def group_by_text(asked: Iterable[Asked]) -> dict[str, list[Asked]]:
    """All questions of each text, so that one message answers them all."""
    groups: defaultdict[str, list[Asked]] = defaultdict(list)
    for row in asked:
        groups[row.text].append(row)
    return dict(groups)


def majority_rate(asked: Sequence[Asked]) -> float:
    """Share of rows that the best constant guess gets right: one answer, or one place in the list.

    What the controls without a message are compared with.

    Raises:
        ValueError: If there are no rows.
    """
    if not asked:
        raise ValueError("no rows")
    answers = Counter(row.answer for row in asked)
    places = Counter(row.label for row in asked if row.label is not None)
    return max(*answers.values(), *places.values()) / len(asked)


def generator(seed: int, *parts: object) -> random.Random:
    """A generator that depends on the seed and the named parts alone, not on the process."""
    return random.Random("/".join(map(str, (seed, *parts))))  # noqa: S311 - not for secrets
