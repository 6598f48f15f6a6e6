"""Whether a receiver answers questions right, each row its own: by choice, or by generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from latentwire.frozen.answers import score_answers
from latentwire.frozen.forest import forest_scores
from latentwire.frozen.model import FrozenModel
from latentwire.frozen.prompt import padding_of, rows_of
from latentwire.frozen.scoring import ChoiceTree, score_choices
from latentwire.frozen.template import answer_ids, question_ids
from latentwire.tasks.asked.base import Asked


@dataclass(frozen=True)
class Judged:
    """What became of B questions.

    Attributes:
        are_right: bool [B].
        log_likelihoods: float32 [B], nats, of the right answers.
    """

    are_right: Tensor
    log_likelihoods: Tensor


def judge(
    frozen: FrozenModel, prefix: Tensor, mask: Tensor | None, asked: Sequence[Asked]
) -> Judged:
    """Ask every row its question after its message, and compare the answer with the right one.

    Of choices the likeliest is the answer, the first of equals. Without choices it is what greedy
    generation writes: right if it is the answer, or one of its aliases, token by token.

    Args:
        frozen: The receiver.
        prefix: Soft tokens [B, P, d] or a key/value prefix [L, 2, B, H, P, D], of the messages.
        mask: bool [B, P], False on padding; None: there is none.
        asked: The B questions.

    Raises:
        UsageError: If a key/value prefix is of another model's geometry.
    """
    first = asked[0]
    if first.choices and all(
        (row.question, row.choices) == (first.question, first.choices) for row in asked
    ):
        return _judge_one_question(frozen, prefix, mask, asked)
    are_right = torch.zeros(len(asked), dtype=torch.bool)
    likelihoods = torch.zeros(len(asked))
    for is_closed, judge_rows in ((True, _judge_closed), (False, _judge_open)):
        rows = [row for row, one in enumerate(asked) if (one.choices is not None) == is_closed]
        if rows:
            padding = None if mask is None else mask[rows]
            some = judge_rows(frozen, rows_of(prefix, rows), padding, [asked[row] for row in rows])
            are_right[rows], likelihoods[rows] = some.are_right, some.log_likelihoods
    return Judged(are_right, likelihoods)


@torch.inference_mode()
def _judge_closed(
    frozen: FrozenModel, prefix: Tensor, mask: Tensor | None, asked: Sequence[Asked]
) -> Judged:
    """All choices of all rows in one pass."""
    trees = [ChoiceTree.build(frozen, row.question, row.choices or ()) for row in asked]
    return _choose(forest_scores(frozen, prefix, padding_of(mask), trees), asked)


def _judge_open(
    frozen: FrozenModel, prefix: Tensor, mask: Tensor | None, asked: Sequence[Asked]
) -> Judged:
    """A pass for each answer that is right."""
    questions = [question_ids(frozen.tokenizer, row.question) for row in asked]
    known = [(row.answer, *row.aliases) for row in asked]
    scored = []
    for column in range(max(map(len, known))):  # rows with fewer are asked their first again
        answers = [row[column if column < len(row) else 0] for row in known]
        ids = [answer_ids(frozen.tokenizer, answer) for answer in answers]
        scored.append(score_answers(frozen, prefix, mask, questions, ids))
    are_greedy = torch.stack([found.are_greedy.cpu() for found in scored])
    return Judged(are_greedy.any(0), scored[0].log_likelihoods.cpu())


def _judge_one_question(
    frozen: FrozenModel, prefix: Tensor, mask: Tensor | None, asked: Sequence[Asked]
) -> Judged:
    """All choices in one pass, where every row has the same ones."""
    tree = ChoiceTree.build(frozen, asked[0].question, asked[0].choices or ())
    return _choose(score_choices(frozen, prefix, mask, tree), asked)


def _choose(scores: Tensor, asked: Sequence[Asked]) -> Judged:
    """The likeliest choices, of scores [B, C]."""
    scores, labels = scores.cpu(), torch.tensor([row.label for row in asked])
    return Judged(scores.argmax(1) == labels, scores.gather(1, labels[:, None])[:, 0])
