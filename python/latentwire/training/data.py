"""Training rows: texts of all tasks, each with the questions it may be asked and its answer."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from latentwire.frozen import FrozenModel
from latentwire.frozen.template import answer_ids, question_ids
from latentwire.tasks import TASKS
from latentwire.tasks.base import Split

UNLABELED = -1


@dataclass(frozen=True)
class Rows:
    """Rows of several tasks, end to end.

    Attributes:
        texts: Every text; what senders see, and all that they see.
        labels: Answer index of each text, within its task; ``UNLABELED`` for running text.
        spans: Task or corpus -> the range of its rows.
    """

    texts: list[str]
    labels: list[int]
    spans: dict[str, range]

    @classmethod
    def load(
        cls, tasks: Sequence[str], split: Split, data_dir: Path, limit: int | None = None
    ) -> Rows:
        """Read a split of each task, its first ``limit`` rows."""
        texts: list[str] = []
        labels: list[int] = []
        spans = {}
        for name in tasks:
            examples = TASKS[name].load(split, data_dir)[:limit]
            spans[name] = range(len(texts), len(texts) + len(examples))
            texts += [example.text for example in examples]
            labels += [example.label for example in examples]
        return cls(texts, labels, spans)

    def with_passages(self, corpus: str, passages: Sequence[str]) -> Rows:
        """These rows and passages of a corpus, which have no labels."""
        span = range(len(self.texts), len(self.texts) + len(passages))
        return Rows(
            self.texts + list(passages),
            self.labels + [UNLABELED] * len(passages),
            {**self.spans, corpus: span},
        )

    def blocks(self) -> list[range]:
        """The rows of all tasks, and the rows of each corpus."""
        first = next((i for i, label in enumerate(self.labels) if label == UNLABELED), None)
        if first is None:
            return [range(len(self.texts))]
        return [range(first), *(span for span in self.spans.values() if span.start >= first)]

    def draw(
        self, shares: Mapping[str, float], count: int, rng: random.Random
    ) -> list[tuple[str, int]]:
        """Draw (task or corpus, row) pairs by their shares; longer SST-2 phrases are preferred.

        Most SST-2 rows are phrases of the sentences that the test holds: of two drawn rows the
        longer one is kept.
        """
        drawn = []
        for task in rng.choices(list(shares), list(shares.values()), k=count):
            row = rng.choice(self.spans[task])
            if task == "sst2":
                row = max(row, rng.choice(self.spans[task]), key=lambda r: len(self.texts[r]))
            drawn.append((task, row))
        return drawn


class Dialogue:
    """The questions and answers of the tasks in one receiver's tokens."""

    def __init__(self, frozen: FrozenModel, tasks: Sequence[str]) -> None:
        self.generic = question_ids(frozen.tokenizer, None)
        self.questions = {
            name: question_ids(frozen.tokenizer, TASKS[name].question) for name in tasks
        }
        self.answers = {
            name: [answer_ids(frozen.tokenizer, choice) for choice in TASKS[name].choices]
            for name in tasks
        }

    def asked(
        self, source: str, label: int, generic_share: float, rng: random.Random
    ) -> tuple[list[int], list[int]]:
        """A question to a row, and its answer; a row without a label is asked any task's question.

        Args:
            source: Task or corpus of the row.
            label: Its answer index, or ``UNLABELED``.
            generic_share: Share of labeled rows that are asked the generic question instead.
            rng: What is drawn from.

        Returns:
            Ids of the question, and of the answer; empty if that is not known.
        """
        if label == UNLABELED:
            return self.questions[rng.choice(list(self.questions))], []
        generic = rng.random() < generic_share
        return self.generic if generic else self.questions[source], self.answers[source][label]
