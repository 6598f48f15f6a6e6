"""Diversity: the latents of a message do not all say the same."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from latentwire.transfer import to_device


def diversity(latents: Tensor) -> Tensor:
    """Mean squared cosine between different latents of a message.

    Args:
        latents: [B, k, d].

    Returns:
        Scalar: 0 if they are orthogonal, 1 if they are one; 0 for a single latent.
    """
    k = latents.shape[1]
    if k == 1:
        return latents.new_zeros(())
    unit = F.normalize(latents.float(), dim=-1)
    cosines = unit @ unit.transpose(1, 2)  # [B, k, k]
    # By index: a mask on a GPU would be waited for, to count it.
    others = torch.tensor([place for place in range(k * k) if place % (k + 1)])  # not the diagonal
    found = cosines.flatten(1).index_select(1, to_device(others, latents.device))
    return found.square().mean()
