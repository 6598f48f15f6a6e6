"""Likelihood of the right answer among those that can be chosen."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from latentwire.frozen import ChoiceTree, FrozenModel
from latentwire.frozen.scoring import choice_scores


def choice_likelihood(
    frozen: FrozenModel,
    prefix: Tensor,
    tree: ChoiceTree,
    labels: Tensor,
    *,
    mask: Tensor | None = None,
) -> Tensor:
    """Cross-entropy over the verbalized answers, scored as a receiver scores them.

    Args:
        frozen: The receiver; gradients flow through it, never into it.
        prefix: Soft tokens [B, k, d] or a key/value prefix [L, 2, B, H, k, D].
        tree: The question that all rows are asked, and its C answers.
        labels: Index of the right answer, int64 [B].
        mask: bool [B, k], False on padding; None: there is none.

    Returns:
        Scalar, nats per row.
    """
    scores = choice_scores(frozen, prefix, mask, tree)  # [B, C]
    return F.cross_entropy(scores, labels.to(scores.device, torch.long))
