"""Distillation from the receiver reading the text itself."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from latentwire.frozen import FrozenModel
from latentwire.frozen.scoring import text_prefix
from latentwire.training.objectives.divergence import divergence
from latentwire.training.reading import answer_logits


def text_distillation(
    frozen: FrozenModel,
    prefix: Tensor,
    texts: Sequence[str],
    questions: Sequence[list[int]],
    answers: Sequence[list[int]],
    *,
    mask: Tensor | None = None,
) -> Tensor:
    """Divergence of the predictions after a message from those after the text it stands for.

    A message can at best be as good as the text for this receiver, and this needs no labels: where
    the answer is not known, the first token of it is predicted.

    Args:
        frozen: Teacher and receiver; gradients flow through it, never into it.
        prefix: What the receiver reads of the message; see ``answer_logits``.
        texts: What was sent, one a row; the caller sees that they fit.
        questions: Ids of each row's question.
        answers: Ids of each row's answer, end token included, or empty.
        mask: bool [B, k] of the prefix, False on padding; None: there is none.

    Returns:
        Scalar, nats, averaged over predicted tokens.
    """
    with torch.no_grad():
        teacher = frozen.unadapted  # else both could agree to say nothing
        read, real = text_prefix(teacher, texts)
        wanted, _ = answer_logits(teacher, read, questions, answers, mask=real)
    found, _ = answer_logits(frozen, prefix, questions, answers, mask=mask)
    return divergence(found, wanted)
