"""Adapter: latents to soft tokens of one receiver."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latentwire.models.colorizer import Colorizer


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """Geometry of an ``Adapter``."""

    hidden_size: int  # width of the receiver's embeddings
    latent_width: int = 256  # d_z
    inner_width: int = 384
    tokens_per_latent: int = 1
    single_latents: int = 0  # first latents of one soft token each, whatever the others have

    def tokens_of(self, k: int) -> int:
        """How many soft tokens the first k latents make."""
        return count_tokens(k, self.single_latents, self.tokens_per_latent)


def count_tokens(k: int, single: int, each: int) -> int:
    """Soft tokens of k latents, the first of them one each and the others several."""
    return min(k, single) + max(0, k - single) * each


class Adapter(nn.Module):
    """Two-layer perceptron on each latent, one or several soft tokens of it, then the colorizer."""

    kind = "soft-token"

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.expand = nn.Linear(config.latent_width, config.inner_width)
        self.project = nn.Linear(config.inner_width, config.tokens_per_latent * config.hidden_size)
        self.colorizer = Colorizer(config.hidden_size)

    def forward(self, latents: Tensor) -> Tensor:
        """Latents [B, k, d_z] -> soft tokens float32 [B, tokens_of(k), hidden_size]."""
        config = self.config
        projected = self.project(nn.functional.gelu(self.expand(latents)))
        made = projected.unflatten(2, (config.tokens_per_latent, config.hidden_size))
        single = made[:, : config.single_latents, 0]
        several = made[:, config.single_latents :].flatten(1, 2)
        tokens: Tensor = self.colorizer(torch.cat([single, several], dim=1))
        return tokens
