"""Teacher-forced generation: likelihood of written answers, token by token."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from latentwire.frozen import FrozenModel
from latentwire.frozen.answers import NO_TARGET
from latentwire.training.reading import answer_logits


def answer_generation(
    frozen: FrozenModel,
    prefix: Tensor,
    questions: Sequence[list[int]],
    answers: Sequence[list[int]],
    *,
    mask: Tensor | None = None,
) -> Tensor:
    """Negative log-likelihood of answers of any length; arguments as of ``answer_logits``.

    Unlike in ``label_likelihood`` every token counts the same, so that long answers do not drown
    short ones.

    Returns:
        Scalar, nats per token; 0 if no answer is known.
    """
    logits, targets = answer_logits(frozen, prefix, questions, answers, mask=mask)
    total = F.cross_entropy(logits, targets, reduction="sum", ignore_index=NO_TARGET)
    return total / (targets != NO_TARGET).sum().clamp_min(1)
