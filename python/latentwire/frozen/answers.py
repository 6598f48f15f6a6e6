"""How likely answers are after messages that are each asked a question of their own.

``ChoiceTree`` scores many answers to one question; here rows differ in what they are asked, so an
answer of every row is scored in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from latentwire.frozen.model import FrozenModel
from latentwire.frozen.prompt import Prompt, batch_size, padding_of


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
    rows = [q + a[:-1] for q, a in zip(questions, answers, strict=True)]
    width = max(map(len, rows))
    ids = torch.zeros(batch, width, dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
    owners: list[int] = []
    places: list[int] = []
    tokens: list[int] = []
    for number, (question, answer) in enumerate(zip(questions, answers, strict=True)):
        owners += [number] * len(answer)
        places += range(len(question) - 1, len(question) - 1 + len(answer))
        tokens += answer
    owner, place, token = (torch.tensor(x, device=device) for x in (owners, places, tokens))
    hidden = Prompt.build(frozen, prefix, padding_of(mask), ids.to(device)).run()[:, -width:]
    logits = frozen.logits(hidden[owner, place])  # [N, V]: a row for each answer token
    likelihoods = logits.gather(1, token[:, None])[:, 0] - logits.logsumexp(-1)
    missed = torch.zeros(batch, device=device).index_add(
        0, owner, (logits.argmax(-1) != token).float()
    )
    summed = torch.zeros(batch, device=device).index_add(0, owner, likelihoods)
    return AnswerScores(summed, missed == 0)
