"""What training minimizes: one function per objective, named as recipes name it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from latentwire.frozen import FrozenModel
from latentwire.training.reading import NO_TARGET, answer_logits


def label_likelihood(
    frozen: FrozenModel,
    soft_tokens: Tensor,
    questions: Sequence[list[int]],
    answers: Sequence[list[int]],
) -> Tensor:
    """Negative log-likelihood of the right answers through the frozen receiver.

    Args:
        frozen: The receiver; gradients flow through it, never into it.
        soft_tokens: [B, k, d].
        questions: Ids of each row's question.
        answers: Ids of each row's answer, end token included; rows with an empty one do not count.

    Returns:
        Scalar, nats per answer (summed over its tokens, averaged over rows).
    """
    known = sum(bool(answer) for answer in answers)
    logits, targets = answer_logits(frozen, soft_tokens, questions, answers)
    total = F.cross_entropy(logits, targets, reduction="sum", ignore_index=NO_TARGET)
    return total / max(1, known)


def message_distillation(
    frozen: FrozenModel,
    soft_tokens: Tensor,
    teacher_soft_tokens: Tensor,
    questions: Sequence[list[int]],
    answers: Sequence[list[int]],
) -> Tensor:
    """Divergence of the receiver's predictions from those after the teacher's message.

    It needs no labels: where the answer is not known, the first token of it is predicted. What two
    messages differ in and the receiver does not read costs nothing, unlike in
    ``latent_distillation``.

    Args:
        frozen: The receiver; gradients flow through it, never into it.
        soft_tokens: Of the encoder that learns, [B, k, d].
        teacher_soft_tokens: Of the encoder that it learns from, [B, k, d].
        questions: Ids of each row's question.
        answers: Ids of each row's answer, end token included, or empty.

    Returns:
        Scalar, the Kullback-Leibler divergence in nats, averaged over predicted tokens
        (https://arxiv.org/abs/1503.02531).
    """
    with torch.no_grad():
        wanted, _ = answer_logits(frozen, teacher_soft_tokens, questions, answers)
    found, _ = answer_logits(frozen, soft_tokens, questions, answers)
    return F.kl_div(
        found.log_softmax(1), wanted.log_softmax(1), reduction="batchmean", log_target=True
    )


def latent_distillation(latents: Tensor, teacher: Tensor) -> Tensor:
    """Weighted mean squared distance of latents [B, k, d] from another encoder's.

    Early latents matter most, since every prefix of a message is a message: latent i weighs
    1 / (1 + i).
    """
    weights = 1.0 / (1.0 + torch.arange(latents.shape[1], device=latents.device))
    errors = (latents - teacher).square().mean((0, 2))  # [k]
    return (errors * weights).sum() / weights.sum()
