"""Segment alignment: a soft token points where the receiver's own tokens of its segment do."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_SHARPNESS = 20.0
"""What a cosine is multiplied by before a token is told from the others."""


def segment_alignment(
    soft_tokens: Tensor, ids: Tensor, places: Tensor, table: Tensor, mean: Tensor
) -> Tensor:
    """How far soft tokens are from the receiver's tokens they stand for, and how unlike the others.

    For each of these tokens one minus the cosine of the soft token and its embedding, plus the
    cross-entropy of telling it, by the cosine, from the other tokens of the batch
    (https://arxiv.org/abs/1807.03748). A token counts with one over the root of how often the batch
    has it: what a text is about are its rare words. No receiver is run, which makes this the
    cheapest way to teach which word of one vocabulary is which of another.

    Args:
        soft_tokens: [B, n, d].
        ids: int64 [B, T], the receiver's tokens of each text.
        places: int64 [B, T], which soft token stands for each of them; any that is not from 0 to
            n - 1: none.
        table: The receiver's embeddings [V, d].
        mean: Of all of them [d], from which cosines are measured.

    Returns:
        Scalar, at least 0; 0 if no soft token stands for any.
    """
    n = soft_tokens.shape[1]
    row, column = ((places >= 0) & (places < n)).nonzero(as_tuple=True)
    if not len(row):
        return soft_tokens.sum() * 0
    tokens, own, counts = torch.unique(ids[row, column], return_inverse=True, return_counts=True)
    known = F.normalize(table[tokens].detach().float() - mean, dim=1)
    said = F.normalize(soft_tokens[row, places[row, column]].float() - mean, dim=1)
    cosines = said @ known.T  # [tokens with a place, distinct ones]
    confusion = F.cross_entropy(_SHARPNESS * cosines, own, reduction="none")
    distance = 1 - cosines.gather(1, own[:, None])[:, 0]
    weights = counts[own].float().rsqrt()
    aligned: Tensor = ((distance + confusion) * weights).sum() / weights.sum()
    return aligned
