"""Which rows a step sees and what is asked of them: a function of seed and step alone."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from latentwire.frozen import ChoiceTree, FrozenModel
from latentwire.training.data import Dialogue, Drawn, Rows
from latentwire.training.features import EncoderInputs
from latentwire.training.recipe import Recipe, Stage
from latentwire.training.soft_labels import SoftLabels


@dataclass(frozen=True)
class Batch:
    """Rows that are computed at once, and what their messages are asked.

    Attributes:
        rows: Indices of B rows.
        num_latents: k, the length of the messages.
        receiver: Who reads them.
        questions: Ids of each row's question.
        answers: Ids of each row's answer; empty where it is not known.
        closed: Each row's question with the answers to choose from, and the index of the right one;
            None where there are none, everywhere if no objective asks for them.
        kept: bool [B, T], False for positions that the encoder does not see; None: it sees all.
    """

    rows: list[int]
    num_latents: int
    receiver: str
    questions: list[list[int]]
    answers: list[list[int]]
    closed: list[tuple[ChoiceTree, int] | None]
    kept: Tensor | None = None

    def piece(self, index: int, count: int) -> Batch:
        """One of ``count`` disjoint pieces, which together are the batch."""
        size = len(self.rows)
        part = slice(size * index // count, size * (index + 1) // count)
        return Batch(
            self.rows[part],
            self.num_latents,
            self.receiver,
            self.questions[part],
            self.answers[part],
            self.closed[part],
            None if self.kept is None else self.kept[part],
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of what objectives average over."""
        return {
            "rows": len(self.rows),
            "answers": sum(bool(answer) for answer in self.answers),
            "closed questions": sum(question is not None for question in self.closed),
            "answer tokens": sum(len(answer) for answer in self.answers),
            "predictions": sum(max(1, len(answer)) for answer in self.answers),
        }


def open_dialogues(
    stage: Stage, receivers: Mapping[str, FrozenModel], tasks: Sequence[str]
) -> dict[str, Dialogue]:
    """What receivers are asked in a stage; answers to choose from only where an objective is."""
    offers_choices = bool(stage.objectives.choice_likelihood.weight)
    return {
        name: Dialogue(frozen, tasks, offers_choices=offers_choices)
        for name, frozen in receivers.items()
    }


class Batches:
    """Draws the batch of every step.

    Args:
        recipe: Whose seed, shares and prefix lengths count.
        stage: Whose steps are drawn.
        rows: All rows.
        dialogues: Each receiver's questions and answers.
        inputs: Whose padded widths decide how many random numbers token dropout takes.
        soft_labels: What is drawn from in the place of labels, for the stage's share of the rows.
    """

    def __init__(
        self,
        recipe: Recipe,
        stage: Stage,
        rows: Rows,
        dialogues: Mapping[str, Dialogue],
        inputs: EncoderInputs,
        soft_labels: SoftLabels | None = None,
    ) -> None:
        self.recipe = recipe
        self.stage = stage
        self.rows = rows
        self.dialogues = dialogues
        self.inputs = inputs
        self.soft_labels = soft_labels

    def draw(self, step: int) -> Batch:
        """The batch of a step, the same in every process."""
        recipe = self.recipe
        rng = random.Random(f"{recipe.seed}-{self.stage.name}-{step}")  # noqa: S311
        shares = recipe.tasks | recipe.questions | self.stage.unlabeled
        size, groups = self.stage.batch_size, self.stage.length_groups
        drawn = self.rows.draw_alike(shares, size, groups, rng)
        rows = [one.row for one in drawn]
        total = k = recipe.space.num_latents
        if rng.random() >= recipe.full_length_share:
            k = rng.choice(
                [length for length in recipe.prefix_lengths if length < total] or [total]
            )
        receiver = rng.choice(list(self.dialogues))
        kept = None
        if self.stage.token_dropout:
            kept = self._kept(self.inputs.width(rows), rng.randrange(2**31))
        asked = [
            self.dialogues[receiver].asked(
                one, self._label(one, rng), recipe.generic_question_share, rng
            )
            for one in drawn
        ]
        questions, answers = [one.question for one in asked], [one.answer for one in asked]
        return Batch(rows, k, receiver, questions, answers, [one.closed for one in asked], kept)

    def _label(self, drawn: Drawn, rng: random.Random) -> int:
        """The answer that a row is to be given."""
        soft, task = self.soft_labels, drawn.source
        if soft is None or drawn.asked is not None or task not in soft.tables:
            return self.rows.labels[drawn.row]
        if rng.random() >= self.stage.soft_label_share:
            return self.rows.labels[drawn.row]
        return soft.draw(task, drawn.row - self.rows.spans[task].start, rng)

    def _kept(self, width: int, seed: int) -> Tensor:
        """Positions [B, T] that are not dropped; the first of a row always stays."""
        generator = torch.Generator().manual_seed(seed)
        shape = (self.stage.batch_size, width)
        kept = torch.rand(shape, generator=generator) >= self.stage.token_dropout
        kept[:, 0] = True
        return kept


class DrawnAhead:
    """Batches of which the next one can be drawn in another thread; they are the same ones.

    Args:
        batches: Draws them: by their numbers alone, so it matters to nobody when, or how often.
        in_thread: Whether ``prepare`` does anything. Where the processor computes itself, another
            thread would only be in its way.
    """

    def __init__(self, batches: Batches, *, in_thread: bool) -> None:
        self._batches = batches
        self._in_thread = in_thread
        self._thread = ThreadPoolExecutor(1)
        self._next: tuple[int, Future[Batch]] | None = None

    def draw(self, step: int) -> Batch:
        """The batch of a step: what was prepared, if it is that one."""
        if self._next is not None and self._next[0] == step:
            return self._next[1].result()
        return self._batches.draw(step)

    def prepare(self, step: int) -> None:
        """Begin to draw the batch that is wanted next."""
        if self._in_thread and (self._next is None or self._next[0] != step):
            self._next = step, self._thread.submit(self._batches.draw, step)
