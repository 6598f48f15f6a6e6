"""Diversity: the latents of a message do not all say the same."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


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
    others = ~torch.eye(k, dtype=torch.bool, device=latents.device)
    return cosines[:, others].square().mean()
