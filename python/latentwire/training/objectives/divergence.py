"""Divergence of two sets of predictions (https://arxiv.org/abs/1503.02531)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def divergence(found: Tensor, wanted: Tensor) -> Tensor:
    """Kullback-Leibler divergence of predictions from those of a teacher.

    Args:
        found: Logits [N, V] of the learner.
        wanted: Logits [N, V] of the teacher.

    Returns:
        Scalar, nats, averaged over the N predictions.
    """
    return F.kl_div(
        found.log_softmax(1), wanted.log_softmax(1), reduction="batchmean", log_target=True
    )
