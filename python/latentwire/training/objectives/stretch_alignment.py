"""Stretch alignment: a soft token points where the receiver's own tokens of its stretch do."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def stretch_alignment(
    soft_tokens: Tensor, embedded: Tensor, places: Tensor, mean: Tensor
) -> Tensor:
    """One minus the cosine of each soft token and the sum of the embeddings it stands for.

    No receiver is run, which makes this the cheapest way to teach an encoder and an adapter which
    word of one vocabulary is which of another.

    Args:
        soft_tokens: [B, n, d].
        embedded: The receiver's embeddings of each text [B, T, d].
        places: int64 [B, T], which soft token stands for each of them; any that is not from 0 to
            n - 1: none.
        mean: Of all the receiver's embeddings [d], from which both are measured.

    Returns:
        Scalar from 0 to 2, averaged over the soft tokens that stand for any; 0 if none does.
    """
    n = soft_tokens.shape[1]
    places = places.where((places >= 0) & (places < n), n)
    member = F.one_hot(places, n + 1)[:, :, :n].float()  # [B, T, n]
    stands = member.sum(1) > 0  # [B, n]
    wanted = member.transpose(1, 2) @ (embedded.detach().float() - mean)  # [B, n, d]
    cosine = F.cosine_similarity(soft_tokens.float() - mean, wanted, dim=2)
    return ((1 - cosine) * stands).sum() / stands.sum().clamp_min(1)
