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
        return int(self.all_tokens_of(torch.tensor(k)))

    def all_tokens_of(self, lengths: Tensor) -> Tensor:
        """The same of messages of many lengths, int64 [...]."""
        single = lengths.clamp_max(self.single_latents)
        return single + (lengths - single) * self.tokens_per_latent


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

    def mask(self, lengths: Tensor, k: int) -> Tensor:
        """Which soft tokens of k latents are of messages that long: int64 [B] -> bool [B, P]."""
        places = torch.arange(self.config.tokens_of(k), device=lengths.device)
        return places < self.config.all_tokens_of(lengths)[:, None]
