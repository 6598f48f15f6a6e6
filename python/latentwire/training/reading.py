"""What a frozen receiver predicts of an answer after a message and a question."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from latentwire.frozen import FrozenModel

NO_TARGET = -100


def answer_logits(
    frozen: FrozenModel,
    soft_tokens: Tensor,
    questions: Sequence[list[int]],
    answers: Sequence[list[int]],
) -> tuple[Tensor, Tensor]:
    """The receiver's logits at the positions that predict answers.

    The sequence is begin token, soft tokens, question, answer: the order and the positions in which
    a receiver is asked. Padding is on the right under causal attention, so no real position sees
    it. Each answer token is predicted from the position before it.

    Args:
        frozen: The receiver; gradients flow through it, never into it.
        soft_tokens: [B, k, d].
        questions: Ids of each row's question.
        answers: Ids of each row's answer, end token included. A row whose answer is not known has
            an empty one: its first token is predicted all the same.

    Returns:
        Logits float32 [N, V] and the tokens that are right, int64 [N], ``NO_TARGET`` where that is
        not known; N counts the answer tokens of all rows, row after row.
    """
    batch, k, _ = soft_tokens.shape
    device = soft_tokens.device
    suffixes = [q + a[:-1] for q, a in zip(questions, answers, strict=True)]
    width = max(len(suffix) for suffix in suffixes)
    ids = torch.zeros(batch, width, dtype=torch.long)
    targets = torch.full((batch, width), NO_TARGET)
    predicts = torch.zeros(batch, width, dtype=torch.bool)
    for row, (suffix, question, answer) in enumerate(
        zip(suffixes, questions, answers, strict=True)
    ):
        ids[row, : len(suffix)] = torch.tensor(suffix)
        first = len(question) - 1
        targets[row, first : first + len(answer)] = torch.tensor(answer, dtype=torch.long)
        predicts[row, first : first + max(1, len(answer))] = True
    ids, targets, predicts = ids.to(device), targets.to(device), predicts.to(device)
    begin = frozen.embed(torch.tensor(frozen.begin, dtype=torch.long, device=device))
    embeddings = torch.cat(
        [begin.expand(batch, -1, -1), soft_tokens.to(begin.dtype), frozen.embed(ids)], dim=1
    )
    hidden = frozen.model.model(inputs_embeds=embeddings, use_cache=False).last_hidden_state
    hidden = hidden[:, begin.shape[0] + k :]  # [B, width, d]: positions of the suffix
    return frozen.model.lm_head(hidden[predicts]).float(), targets[predicts]
