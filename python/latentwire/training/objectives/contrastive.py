"""InfoNCE: a message is nearer to its own counterpart than to those of other texts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def contrastive(latents: Tensor, counterparts: Tensor, temperature: float = 0.07) -> Tensor:
    """Symmetric InfoNCE with the other rows of the batch as negatives.

    Args:
        latents: [B, ...], one message a row; everything after B is one vector.
        counterparts: Of the same texts, of the same shape: another encoder's latents, or another
            view's.
        temperature: Divides cosine similarities.

    Returns:
        Scalar, nats; log B if nothing can be told apart
        (https://arxiv.org/abs/1807.03748, https://arxiv.org/abs/2103.00020).
    """
    ours, theirs = (F.normalize(x.flatten(1).float(), dim=1) for x in (latents, counterparts))
    # Cosines of bfloat16 have three digits, and the temperature leaves two of them.
    with torch.autocast(ours.device.type, enabled=False):
        similarity = ours @ theirs.T / temperature  # [B, B]
    own = torch.arange(len(ours), device=ours.device)
    return (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)) / 2
