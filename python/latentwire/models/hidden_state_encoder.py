"""Bridge encoder: hidden states of a frozen model to latents."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from latentwire.models.resampler import PerceiverResampler
from latentwire.models.state_reader import Normalization, StateReader


@dataclass(frozen=True, kw_only=True)
class HiddenStateEncoderConfig:
    """Geometry of a ``HiddenStateEncoder``."""

    hidden_size: int  # width of the sender's hidden states
    layer: int | tuple[int, ...]  # which hidden state is read, or which are mixed; 0: the embedding
    num_latents: int = 32  # K
    latent_width: int = 256  # d_z
    num_heads: int = 8
    depth: int = 2  # resampler blocks
    multiple: int = 2  # feed-forward width over d_z
    normalization: Normalization = "standardize"
    query_deviation: float = 1.0  # of the learned queries at first


class HiddenStateEncoder(StateReader):
    """Normalizer, projection to d_z, perceiver resampler."""

    kind = "hidden-state"

    def __init__(self, config: HiddenStateEncoderConfig) -> None:
        super().__init__(config.hidden_size, config.layer, config.normalization)
        self.config = config
        self.project = nn.Linear(config.hidden_size, config.latent_width)
        self.norm = nn.LayerNorm(config.latent_width)
        self.resampler = PerceiverResampler(
            config.num_latents,
            config.latent_width,
            config.num_heads,
            config.depth,
            config.multiple,
            query_deviation=config.query_deviation,
        )

    def forward(self, states: Tensor, mask: Tensor, k: int | None = None) -> Tensor:
        """States to latents.

        Args:
            states: [B, T, hidden_size], or [B, T, n, hidden_size] of n layers.
            mask: bool [B, T], False on padding, which may be anywhere.
            k: How many latents; default: all.

        Returns:
            float32 [B, k, d_z].
        """
        projected = self.norm(self.project(self.read(states)))  # [B, T, d_z]
        latents: Tensor = self.resampler(projected, mask, k)
        return latents
