"""Likelihood of the right answers through the frozen receiver."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from latentwire.frozen import FrozenModel
from latentwire.frozen.answers import NO_TARGET
from latentwire.training.reading import answer_logits


def label_likelihood(
    frozen: FrozenModel,
    prefix: Tensor,
    questions: Sequence[list[int]],
    answers: Sequence[list[int]],
    *,
    mask: Tensor | None = None,
) -> Tensor:
    """Negative log-likelihood of the right answers; arguments as of ``answer_logits``.

    Returns:
        Scalar, nats per answer: summed over its tokens, averaged over the rows whose answer is
        known.
    """
    known = sum(bool(answer) for answer in answers)
    logits, targets = answer_logits(frozen, prefix, questions, answers, mask=mask)
    total = F.cross_entropy(logits, targets, reduction="sum", ignore_index=NO_TARGET)
    return total / max(1, known)
