"""Contrast sets: one question, several texts, and each text's answer is the others' distractor.

A distractor that is drawn from a list of its own gives itself away: it is rarer, shorter or less
plausible than right answers are. Here n texts that hold different answers to one question are asked
that question with the same n choices in the same order. Each choice and each place in the list is
right exactly once, so whoever does not read the text scores exactly 1/n, whatever else he knows.
(Contrast sets: Gardner et al. 2020, https://arxiv.org/abs/2004.02709.)
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from latentwire.tasks.asked.any_text import AnyTextQuestions
from latentwire.tasks.asked.base import Asked, among, generator
from latentwire.tasks.asked.vocabulary import NUMBER_WORDS
from latentwire.tasks.base import Task

CHOICES = 4
"""Choices of a question, and texts of a contrast set."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that a text holds.

    Attributes:
        stem: The question that it answers, without choices, e.g. ``"How many people"``.
        item: The answer.
        group: Only candidates of one group are each other's distractors, e.g. numbers of a length.
    """

    stem: str
    item: str
    group: str = ""


Extractor = Callable[[str], Iterable[Candidate]]
"""Finds the candidates of a text; where a text has several items of one stem, any is right."""


@dataclass(frozen=True)
class ContrastQuestions(AnyTextQuestions):
    """Questions of one kind, asked of the texts of some tasks.

    Distractors come from other texts of the same task and split.

    Attributes:
        kind: Name in recipes and tables.
        extract: Finds the candidates of a text.
        tasks: Whose texts are asked.
        same_label: Whether distractors come from texts of the same label only, so that what a text
            is about is no help. Questions that name a noun or a verb are rarer and need it less.
    """

    kind: str
    extract: Extractor
    tasks: tuple[Task, ...]
    same_label: bool = False

    def ask(
        self, pools: Sequence[Sequence[str]], *, limit: int | None = None, seed: int = 0
    ) -> list[Asked]:
        """Ask any texts: whole contrast sets, each text in one of them at most, all shuffled.

        Args:
            pools: Lists of texts; distractors never come from another list.
            limit: The most questions; cut to whole sets.
            seed: Another seed forms other sets.
        """
        rng = generator(seed, self.kind)
        sets = [found for pool in pools for found in self._contrast_sets(pool, rng)]
        rng.shuffle(sets)
        if limit is not None:
            del sets[limit // CHOICES :]
        # Shuffled apart: the message of the next row, which is a control, must not be of one's set.
        rows = [row for found in sets for row in found]
        rng.shuffle(rows)
        return rows

    def _contrast_sets(self, texts: Iterable[str], rng: random.Random) -> Iterator[list[Asked]]:
        groups: defaultdict[tuple[str, str], list[tuple[_Text, str]]] = defaultdict(list)
        for raw in dict.fromkeys(texts):
            text = _Text(raw, words_of(raw))
            candidates = sorted(set(self.extract(raw)), key=lambda c: (c.stem, c.group, c.item))
            rng.shuffle(candidates)
            # One item of a stem is enough: the sets of a stem must not hold a text twice.
            for candidate in {c.stem: c for c in candidates}.values():
                groups[candidate.stem, candidate.group].append((text, candidate.item))
        used: set[str] = set()
        for stem, group in rng.sample(sorted(groups), len(groups)):
            entries = [entry for entry in groups[stem, group] if entry[0].raw not in used]
            rng.shuffle(entries)
            for chosen in _partition(entries):
                used.update(text.raw for text, _ in chosen)
                choices = tuple(item for _, item in chosen)
                question = among(stem, choices)
                yield [Asked(text.raw, question, choices, item, self.kind) for text, item in chosen]


@dataclass(frozen=True, slots=True)
class _Text:
    raw: str
    words: str


_WORD = re.compile(r"\w+")


def words_of(text: str) -> str:
    """Lower-case words between single spaces, number words as digits.

    ``words_of(a) in words_of(b)`` says that b holds a.
    """
    words = (NUMBER_WORDS.get(word, word) for word in _WORD.findall(text.casefold()))
    return f" {' '.join(words)} "


def _partition(entries: list[tuple[_Text, str]]) -> Iterator[list[tuple[_Text, str]]]:
    """Sets of entries, no item of which occurs in another text of its set."""
    while len(entries) >= CHOICES:
        chosen: list[tuple[_Text, str]] = []
        skipped: list[tuple[_Text, str]] = []
        while entries and len(chosen) < CHOICES:
            entry = entries.pop()
            (chosen if all(_apart(entry, other) for other in chosen) else skipped).append(entry)
        if len(chosen) < CHOICES:
            return
        yield chosen
        entries += skipped


def _apart(one: tuple[_Text, str], other: tuple[_Text, str]) -> bool:
    return (
        words_of(one[1]) not in other[0].words
        and words_of(other[1]) not in one[0].words
        and words_of(one[1]) != words_of(other[1])
    )
