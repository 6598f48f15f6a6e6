"""What training minimizes: one function per objective, named as recipes name it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from latentwire.frozen import FrozenModel


def label_likelihood(
    frozen: FrozenModel,
    soft_tokens: Tensor,
    questions: Sequence[list[int]],
    answers: Sequence[list[int]],
) -> Tensor:
    """Negative log-likelihood of the right answers through the frozen receiver.

    The sequence is begin token, soft tokens, question, answer: the order and the positions in which
    a receiver is asked. Padding is on the right under causal attention, so no real position sees
    it. Only answer tokens are predicted, each from the position before it.

    Args:
        frozen: The receiver; gradients flow through it, never into it.
        soft_tokens: [B, k, d].
        questions: Ids of each row's question.
        answers: Ids of each row's answer, end token included.

    Returns:
        Scalar, nats per answer (summed over its tokens, averaged over rows).
    """
    batch, k, _ = soft_tokens.shape
    device = soft_tokens.device
    suffixes = [q + a[:-1] for q, a in zip(questions, answers, strict=True)]
    width = max(len(suffix) for suffix in suffixes)
    ids = torch.zeros(batch, width, dtype=torch.long)
    targets = torch.full((batch, width), -100)
    for row, (suffix, question, answer) in enumerate(
        zip(suffixes, questions, answers, strict=True)
    ):
        ids[row, : len(suffix)] = torch.tensor(suffix)
        first = len(question) - 1
        targets[row, first : first + len(answer)] = torch.tensor(answer)
    ids, targets = ids.to(device), targets.to(device)
    begin = frozen.embed(torch.tensor(frozen.begin, dtype=torch.long, device=device))
    embeddings = torch.cat(
        [begin.expand(batch, -1, -1), soft_tokens.to(begin.dtype), frozen.embed(ids)], dim=1
    )
    hidden = frozen.model.model(inputs_embeds=embeddings, use_cache=False).last_hidden_state
    hidden = hidden[:, begin.shape[0] + k :]  # [B, width, d]: positions of the suffix
    wanted = targets != -100
    logits = frozen.model.lm_head(hidden[wanted]).float()
    return F.cross_entropy(logits, targets[wanted], reduction="sum") / batch


def latent_distillation(latents: Tensor, teacher: Tensor) -> Tensor:
    """Weighted mean squared distance of latents [B, k, d] from another encoder's.

    Early latents matter most, since every prefix of a message is a message: latent i weighs
    1 / (1 + i).
    """
    weights = 1.0 / (1.0 + torch.arange(latents.shape[1], device=latents.device))
    errors = (latents - teacher).square().mean((0, 2))  # [k]
    return (errors * weights).sum() / weights.sum()
