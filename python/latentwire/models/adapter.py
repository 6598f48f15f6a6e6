"""Adapter: latents to soft tokens of one receiver."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from latentwire.models.colorizer import Colorizer


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """Geometry of an ``Adapter``."""

    hidden_size: int  # width of the receiver's embeddings
    latent_width: int = 256  # d_z
    inner_width: int = 384


class Adapter(nn.Module):
    """Two-layer perceptron on each latent, then the colorizer."""

    kind = "soft-token"

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.expand = nn.Linear(config.latent_width, config.inner_width)
        self.project = nn.Linear(config.inner_width, config.hidden_size)
        self.colorizer = Colorizer(config.hidden_size)

    def forward(self, latents: Tensor) -> Tensor:
        """Latents [B, k, d_z] -> soft tokens float32 [B, k, hidden_size]."""
        tokens: Tensor = self.colorizer(self.project(nn.functional.gelu(self.expand(latents))))
        return tokens
