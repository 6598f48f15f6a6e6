"""How likely answers are after messages that are each asked a question of their own.

``ChoiceTree`` scores many answers to one question; here rows differ in what they are asked, so an
answer of every row is scored in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from latentwire.frozen.model import FrozenModel, right_padded
from latentwire.frozen.prompt import Prompt, batch_size, padding_of
from latentwire.transfer import to_device

NO_TARGET = -100


@dataclass(frozen=True)
class AnswerScores:
    """What a receiver makes of one answer a row.

    Attributes:
        log_likelihoods: float32 [B], nats, summed over the tokens of an answer.
        are_greedy: bool [B], whether each token is the likeliest one, so that greedy generation
            writes exactly this answer.
    """

    log_likelihoods: Tensor
    are_greedy: Tensor


@dataclass(frozen=True)
class Suffixes:
    """What is run after the messages of B rows, and where in it answers are predicted.

    The order is question, answer, padding; each answer token is predicted from the position before
    it, N tokens in all, row after row.

    Attributes:
        ids: int64 [B, W], right-padded.
        owners: int64 [N], the row of each token.
        places: int64 [N], the position that predicts it, among all B * W.
        tokens: int64 [N], the tokens. An empty answer is not known: its first token is predicted
            all the same, and is ``NO_TARGET`` here.
    """

    ids: Tensor
    owners: Tensor
    places: Tensor
    tokens: Tensor

    @classmethod
    def of(
        cls, questions: Sequence[list[int]], answers: Sequence[list[int]], device: torch.device
    ) -> Suffixes:
        """Lay out the ids of each row's question and answer, end token included."""
        ids = right_padded([q + a[:-1] for q, a in zip(questions, answers, strict=True)])
        owners: list[int] = []
        places: list[int] = []
        tokens: list[int] = []
        for row, (question, answer) in enumerate(zip(questions, answers, strict=True)):
            first, count = row * ids.shape[1] + len(question) - 1, max(1, len(answer))
            owners += [row] * count
            places += range(first, first + count)
            tokens += answer or [NO_TARGET]
        columns = to_device(torch.tensor([owners, places, tokens]), device)
        return cls(to_device(ids, device), *columns)

    def predicting(self, hidden: Tensor) -> Tensor:
        """The states [N, d] that predict tokens, of those of a whole prompt [B, Q, d].

        Picked by index: a mask would have Python wait for the device, to count it.
        """
        own = hidden[:, -self.ids.shape[1] :]
        return own.reshape(-1, own.shape[-1]).index_select(0, self.places)


@torch.inference_mode()
def score_answers(
    frozen: FrozenModel,
    prefix: Tensor,
    mask: Tensor | None,
    questions: Sequence[list[int]],
    answers: Sequence[list[int]],
) -> AnswerScores:
    """Score an answer of every row.

    Args:
        frozen: The receiver.
        prefix: Soft tokens [B, P, d] or a key/value prefix [L, 2, B, H, P, D]; see ``Prompt``.
        mask: bool [B, P], False on padding, which changes nothing; None: there is none.
        questions: Ids of each row's question.
        answers: Ids of each row's answer, end token included; none is empty.

    Raises:
        UsageError: If a key/value prefix is of another model's geometry.
    """
    batch, device = batch_size(prefix), frozen.device
    suffixes = Suffixes.of(questions, answers, device)
    hidden = Prompt.build(frozen, prefix, padding_of(mask), suffixes.ids).run()
    logits = frozen.logits(suffixes.predicting(hidden))  # [N, V]: a row for each answer token
    owners, tokens = suffixes.owners, suffixes.tokens
    likelihoods = logits.gather(1, tokens[:, None])[:, 0] - logits.logsumexp(-1)
    missed = torch.zeros(batch, device=device).index_add(
        0, owners, (logits.argmax(-1) != tokens).float()
    )
    summed = torch.zeros(batch, device=device).index_add(0, owners, likelihoods)
    return AnswerScores(summed, missed == 0)
