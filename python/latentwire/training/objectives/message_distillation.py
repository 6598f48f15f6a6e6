"""Distillation of what a receiver makes of another encoder's message."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from latentwire.frozen import FrozenModel
from latentwire.training.objectives.divergence import divergence
from latentwire.training.reading import answer_logits


def message_distillation(
    frozen: FrozenModel,
    prefix: Tensor,
    teacher_prefix: Tensor,
    questions: Sequence[list[int]],
    answers: Sequence[list[int]],
    *,
    mask: Tensor | None = None,
    teacher_mask: Tensor | None = None,
) -> Tensor:
    """Divergence of the receiver's predictions from those after the teacher's message.

    It needs no labels: where the answer is not known, the first token of it is predicted. What two
    messages differ in and the receiver does not read costs nothing, unlike in
    ``latent_distillation``.

    Args:
        frozen: The receiver; gradients flow through it, never into it.
        prefix: Of the encoder that learns; see ``answer_logits``.
        teacher_prefix: Of the encoder that it learns from, of the same shape.
        questions: Ids of each row's question.
        answers: Ids of each row's answer, end token included, or empty.
        mask: bool [B, k], False on padding; None: there is none.
        teacher_mask: Of ``teacher_prefix``, likewise: another sender may have cut the same text
            into fewer segments.

    Returns:
        Scalar, nats, averaged over predicted tokens.
    """
    with torch.no_grad():
        wanted, _ = answer_logits(frozen, teacher_prefix, questions, answers, mask=teacher_mask)
    found, _ = answer_logits(frozen, prefix, questions, answers, mask=mask)
    return divergence(found, wanted)
