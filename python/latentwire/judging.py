"""Whether a receiver answers questions right, each row its own: by choice, or by generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from latentwire.frozen.answers import score_answers
from latentwire.frozen.model import FrozenModel
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
    questions = [question_ids(frozen.tokenizer, row.question) for row in asked]
    offered = [row.choices or (row.answer, *row.aliases) for row in asked]
    are_closed = torch.tensor([row.choices is not None for row in asked])
    right = torch.tensor([row.label or 0 for row in asked])[:, None]
    counts = torch.tensor([len(row) for row in offered])[:, None]
    scored = []
    for column in range(int(counts.max())):  # rows with fewer answers are asked their first again
        answers = [row[column if column < len(row) else 0] for row in offered]
        ids = [answer_ids(frozen.tokenizer, answer) for answer in answers]
        scored.append(score_answers(frozen, prefix, mask, questions, ids))
    scores = torch.stack([found.log_likelihoods.cpu() for found in scored], dim=1)  # [B, C]
    are_greedy = torch.stack([found.are_greedy.cpu() for found in scored], dim=1)
    is_beyond = torch.arange(scores.shape[1]) >= counts
    chosen = scores.masked_fill(is_beyond, -torch.inf).argmax(1)
    are_right = torch.where(are_closed, chosen == right[:, 0], are_greedy.any(1))
    return Judged(are_right, scores.gather(1, right)[:, 0])


def _judge_one_question(
    frozen: FrozenModel, prefix: Tensor, mask: Tensor | None, asked: Sequence[Asked]
) -> Judged:
    """All choices in one pass, where every row has the same ones."""
    tree = ChoiceTree.build(frozen, asked[0].question, asked[0].choices or ())
    scores = score_choices(frozen, prefix, mask, tree).cpu()  # [B, C]
    labels = torch.tensor([row.label for row in asked])
    return Judged(scores.argmax(1) == labels, scores.gather(1, labels[:, None])[:, 0])
