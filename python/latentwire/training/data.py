"""Training rows: texts of all sources, each with the questions it may be asked and its answer."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from latentwire.frozen import ChoiceTree, FrozenModel
from latentwire.frozen.template import answer_ids, question_ids
from latentwire.tasks import TASKS
from latentwire.tasks.asked.base import Asked
from latentwire.tasks.base import Split

UNLABELED = -1


@dataclass(frozen=True)
class Drawn:
    """A row of a batch.

    Attributes:
        source: Task, corpus or kind of question that it was drawn from.
        row: Index of its text.
        asked: Its own question and answer; None where the task asks, or any task may.
    """

    source: str
    row: int
    asked: Asked | None = None


@dataclass(frozen=True)
class Rows:
    """Rows of several sources, end to end.

    Attributes:
        texts: Every text; what senders see, and all that they see.
        labels: Answer index of each text, within its task; ``UNLABELED`` where no task labels it.
        spans: Task, corpus or kind of question -> the range of the rows that it brought.
        asked: Kind of question -> its questions, each with the row of its text, which another
            source may have brought.
    """

    texts: list[str]
    labels: list[int]
    spans: dict[str, range]
    asked: dict[str, list[tuple[int, Asked]]] = field(default_factory=dict)

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
        return self._with(corpus, list(passages), self.asked)

    def with_questions(self, asked: Mapping[str, Sequence[Asked]]) -> Rows:
        """These rows and questions of several kinds; a text that is here already is shared."""
        rows, index = self, {text: row for row, text in reversed(list(enumerate(self.texts)))}
        for kind, questions in asked.items():
            new = [text for text in dict.fromkeys(q.text for q in questions) if text not in index]
            index |= {text: len(rows.texts) + number for number, text in enumerate(new)}
            own = [(index[question.text], question) for question in questions]
            rows = rows._with(kind, new, {**rows.asked, kind: own})
        return rows

    def _with(
        self, source: str, texts: list[str], asked: dict[str, list[tuple[int, Asked]]]
    ) -> Rows:
        span = range(len(self.texts), len(self.texts) + len(texts))
        return Rows(
            self.texts + texts,
            self.labels + [UNLABELED] * len(texts),
            {**self.spans, source: span},
            asked,
        )

    def blocks(self) -> list[range]:
        """The rows of all tasks, and those that each further source brought."""
        first = next((i for i, label in enumerate(self.labels) if label == UNLABELED), None)
        if first is None:
            return [range(len(self.texts))]
        further = (span for span in self.spans.values() if span.start >= first and len(span))
        return [*([range(first)] if first else []), *further]

    def draw(self, shares: Mapping[str, float], count: int, rng: random.Random) -> list[Drawn]:
        """Draw rows by the shares of their sources; longer SST-2 phrases are preferred.

        Most SST-2 rows are phrases of the sentences that the test holds: of two drawn rows the
        longer one is kept.
        """
        drawn = []
        for source in rng.choices(list(shares), list(shares.values()), k=count):
            if source in self.asked:
                drawn.append(Drawn(source, *rng.choice(self.asked[source])))
                continue
            row = rng.choice(self.spans[source])
            if source == "sst2":
                row = max(row, rng.choice(self.spans[source]), key=lambda r: len(self.texts[r]))
            drawn.append(Drawn(source, row))
        return drawn

    def draw_alike(
        self, shares: Mapping[str, float], count: int, groups: int, rng: random.Random
    ) -> list[Drawn]:
        """Rows of like length: one of ``groups`` parts of what is drawn for as many batches.

        Less of a batch is padding. Which rows are seen how often stays the same.
        """
        drawn = self.draw(shares, groups * count, rng)
        if groups == 1:
            return drawn
        drawn.sort(key=lambda one: len(self.texts[one.row]))
        first = rng.randrange(groups) * count
        return drawn[first : first + count]


@dataclass(frozen=True)
class TokenizedQuestion:
    """What a receiver is asked about a message, in its own tokens.

    Attributes:
        question: Ids of the question.
        answer: Ids of the answer, end token included; empty if it is not known.
        closed: The question with the answers to choose from, and the index of the right one; None
            if there are none, or nobody wants to know.
    """

    question: list[int]
    answer: list[int]
    closed: tuple[ChoiceTree, int] | None = None


class Dialogue:
    """Questions and answers in one receiver's tokens.

    Args:
        frozen: The receiver.
        tasks: Names of the tasks that are asked.
        offers_choices: Whether questions come with the answers to choose from.
    """

    def __init__(
        self, frozen: FrozenModel, tasks: Sequence[str], *, offers_choices: bool = False
    ) -> None:
        self.frozen = frozen
        # What is asked of one text is often asked of others, and answered alike.
        self._question_ids = cache(partial(question_ids, frozen.tokenizer))
        self._answer_ids = cache(partial(answer_ids, frozen.tokenizer))
        self.offers_choices = offers_choices
        self._trees: dict[tuple[str, bool], ChoiceTree] = {}
        self.generic = question_ids(frozen.tokenizer, None)
        self.questions = {
            name: question_ids(frozen.tokenizer, TASKS[name].question) for name in tasks
        }
        self.answers = {
            name: [answer_ids(frozen.tokenizer, choice) for choice in TASKS[name].choices]
            for name in tasks
        }

    def asked(
        self, drawn: Drawn, label: int, generic_share: float, rng: random.Random
    ) -> TokenizedQuestion:
        """A question to a row, and its answer; running text is asked any task's question.

        Args:
            drawn: The row; a question of its own is asked as it is.
            label: Its answer index within its task, or ``UNLABELED``.
            generic_share: Share of rows of tasks that are asked the generic question instead.
            rng: What is drawn from.

        """
        own = drawn.asked
        if own is not None:
            closed = None
            if self.offers_choices and own.choices is not None and own.label is not None:
                tree = ChoiceTree.build(self.frozen, own.question, own.choices)
                closed = (tree, own.label)
            question = self._question_ids(own.question)
            return TokenizedQuestion(question, self._answer_ids(own.answer), closed)
        if label == UNLABELED:
            return TokenizedQuestion(self.questions[rng.choice(list(self.questions))], [])
        is_generic = rng.random() < generic_share
        return TokenizedQuestion(
            self.generic if is_generic else self.questions[drawn.source],
            self.answers[drawn.source][label],
            (self._tree(drawn.source, is_generic), label) if self.offers_choices else None,
        )

    def _tree(self, task: str, is_generic: bool) -> ChoiceTree:
        """The answers of a task, the same object for all of its rows."""
        key = (task, is_generic)
        if key not in self._trees:
            question = None if is_generic else TASKS[task].question
            self._trees[key] = ChoiceTree.build(self.frozen, question, TASKS[task].choices)
        return self._trees[key]
