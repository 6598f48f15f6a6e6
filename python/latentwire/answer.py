"""Answers to closed questions: scores of the choices, of one receiver or of several together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from latentwire.errors import ChoicesError
from latentwire.text import encode_utf8

MAX_CHOICES = 1024
"""The most answers that a question may offer."""
MAX_CHOICE_BYTES = 1024
"""The most UTF-8 bytes of one answer."""


def check_choices(choices: Sequence[str]) -> None:
    """Refuse choices that cannot be scored.

    Raises:
        ChoicesError: If there are fewer than two, more than ``MAX_CHOICES``, or one is empty, too
            long or repeated.
        UsageError: If one is not Unicode.
    """
    # Nothing checks callers' types when a program runs: what is none of them is named here.
    if isinstance(choices, str) or not isinstance(choices, Sequence):
        raise ChoicesError(
            f"choices must be a list of answers, not {_shown(choices)}",
            hint='for example choices=["negative", "positive"]',
        )
    if not 2 <= len(choices) <= MAX_CHOICES:
        raise ChoicesError(
            f"expected 2 to {MAX_CHOICES} choices, found {len(choices)}",
            hint="give the answers to choose from",
        )
    seen: dict[str, int] = {}
    for number, choice in enumerate(choices, start=1):
        if not isinstance(choice, str):
            raise ChoicesError(
                f"choice {number} of {len(choices)} must be a text, not {_shown(choice)}"
            )
        if not choice.strip():
            raise ChoicesError(
                f"choice {number} of {len(choices)} is empty", hint="leave it out, or write it"
            )
        size = len(encode_utf8(choice, f"choice {number} of {len(choices)}"))
        if size > MAX_CHOICE_BYTES:
            raise ChoicesError(
                f"choice {number} of {len(choices)} has {size} bytes, "
                f"at most {MAX_CHOICE_BYTES} are allowed"
            )
        bare = choice.strip()  # nobody tells answers apart by the spaces around them
        if bare in seen:
            raise ChoicesError(
                f"choice {number} repeats choice {seen[bare]}: {bare!r}", hint="offer each once"
            )
        seen[bare] = number


def _shown(value: object) -> str:
    """A value of the wrong type, as an error names it."""
    return f"{type(value).__name__} {str(value)[:40]!r}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver makes of a closed question.

    Attributes:
        choices: The answers that were offered, in the order in which they were offered.
        log_probabilities: Natural logarithm of the probability of each, normalized over the
            choices.
    """

    choices: tuple[str, ...]
    log_probabilities: tuple[float, ...]

    @classmethod
    def from_scores(cls, choices: Sequence[str], scores: Sequence[float]) -> Answer:
        """Normalize summed log-probabilities, in nats, over the choices."""
        top = max(scores)
        total = top + math.log(math.fsum(math.exp(score - top) for score in scores))
        return cls(tuple(choices), tuple(score - total for score in scores))

    @classmethod
    def jointly(cls, answers: Sequence[Answer]) -> Answer:
        """The product of several receivers' probabilities for the same choices, normalized.

        Raises:
            ChoicesError: If there is no answer, or the answers are to different choices.
        """
        if not answers:
            raise ChoicesError("a joint answer needs at least one answer")
        choices = answers[0].choices
        if any(answer.choices != choices for answer in answers):
            raise ChoicesError("answers to different choices cannot be joined")
        rows = zip(*(answer.log_probabilities for answer in answers), strict=True)
        return cls.from_scores(choices, [math.fsum(row) for row in rows])

    @property
    def index(self) -> int:
        """Position of the likeliest choice."""
        return max(range(len(self.choices)), key=lambda i: self.log_probabilities[i])

    @property
    def choice(self) -> str:
        """The likeliest choice."""
        return self.choices[self.index]

    @property
    def probability(self) -> float:
        """Probability of the likeliest choice, within 0..1."""
        return math.exp(self.log_probabilities[self.index])

    @property
    def probabilities(self) -> dict[str, float]:
        """Choice -> probability, within 0..1."""
        pairs = zip(self.choices, self.log_probabilities, strict=True)
        return {choice: math.exp(value) for choice, value in pairs}

    def __str__(self) -> str:
        return self.choice
