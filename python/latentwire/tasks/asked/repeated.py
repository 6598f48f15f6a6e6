"""Repeat the text: what a message holds of its words, in their order.

The densest question there is: every token of the answer says something about the message, where a
label says one thing. (Autoencoding through a frozen decoder, as in the in-context autoencoder:
Ge et al. 2024, https://arxiv.org/abs/2307.06945.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from latentwire.questions import REPEAT_QUESTION
from latentwire.tasks.asked.any_text import AnyTextQuestions
from latentwire.tasks.asked.base import Asked, generator
from latentwire.tasks.base import Task

REPEATED_WORDS = 24
"""Words of a text that are asked for: about 32 tokens."""


@dataclass(frozen=True)
class RepeatQuestions(AnyTextQuestions):
    """The first words of texts, as a written answer.

    Attributes:
        kind: Name in recipes and tables.
        tasks: Whose texts are asked for.
    """

    kind: str
    tasks: tuple[Task, ...]

    def ask(
        self, pools: Sequence[Sequence[str]], *, limit: int | None = None, seed: int = 0
    ) -> list[Asked]:
        """Ask each text once, in an order drawn from the seed; see `AnyTextQuestions`."""
        texts = list(dict.fromkeys(text for pool in pools for text in pool if text.split()))
        generator(seed, self.kind).shuffle(texts)
        return [
            Asked(
                text,
                REPEAT_QUESTION,
                None,
                " ".join(text.split()[:REPEATED_WORDS]),
                self.kind,
            )
            for text in texts[:limit]
        ]
