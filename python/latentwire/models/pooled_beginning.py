"""Where the first latents begin: with the mean of what is read, beside their queries."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class PooledBeginning(nn.Module):
    """Masked mean over positions, normalized, and one linear map for each of the first latents.

    A mean is what a linear probe reads, and it generalizes from few texts; attention has to learn
    to take one. Added to a resampler's queries, it is what the resampler refines.

    Args:
        width: Of what is read.
        num_latents: How many latents begin with it.
        latent_width: d_z.
    """

    def __init__(self, width: int, num_latents: int, latent_width: int) -> None:
        super().__init__()
        self.latent_width = latent_width
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, num_latents * latent_width)

    def forward(self, x: Tensor, mask: Tensor, k: int) -> Tensor:
        """[B, T, width] and bool [B, T] -> [B, k, d_z], zeros where latents begin without it."""
        total = (x * mask[:, :, None]).sum(1)  # [B, width]
        mean = self.norm(total / mask.sum(1, keepdim=True).clamp_min(1))
        rows = slice(k * self.latent_width)
        expanded = F.linear(mean, self.expand.weight[rows], self.expand.bias[rows])
        beginning = expanded.view(len(x), -1, self.latent_width)
        return F.pad(beginning, (0, 0, 0, k - beginning.shape[1]))

    def say_nothing(self) -> None:
        """Begin with zeros, until it learns."""
        nn.init.zeros_(self.expand.weight)
        nn.init.zeros_(self.expand.bias)
