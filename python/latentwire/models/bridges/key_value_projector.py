"""Key/value projector: the sender's cache, translated layer by layer to the receiver's.

After Cache-to-Cache (https://arxiv.org/abs/2510.03215): layers are paired from the last backwards,
each with a translation and a gate of its own. Unlike there the receiver does not read the text, so
a gate opens not onto its own cache of it but onto its mean key and value, which say nothing; and
gates stay soft. There is no latent space: the prefix is as long as the text and fits one pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latentwire.models.bridges.base import Encoded
from latentwire.models.colorizer import Colorizer
from latentwire.models.normalizer import StatisticalNormalizer


@dataclass(frozen=True, kw_only=True)
class KeyValueProjectorConfig:
    """Geometry of a ``KeyValueProjector``: of both models as their ``KeyValues`` tell it."""

    sender_layers: int
    sender_heads: int
    sender_head_dim: int
    num_layers: int  # of the receiver
    num_heads: int
    head_dim: int
    inner_width: int = 256


class KeyValueProjector(nn.Module):
    """Two-layer perceptrons, two a layer: one for keys, one for values.

    Statistics of the sender's keys and values are in ``normalizer``, those of the receiver's in
    ``colorizer``; both are measured on text.
    """

    kind = "key-value-projector"

    def __init__(self, config: KeyValueProjectorConfig) -> None:
        super().__init__()
        self.config = config
        self.normalizer = StatisticalNormalizer(
            config.sender_layers, 2, config.sender_heads, config.sender_head_dim
        )
        self.colorizer = Colorizer(config.num_layers, 2, config.num_heads, config.head_dim)
        width, target = (
            config.sender_heads * config.sender_head_dim,
            config.num_heads * config.head_dim,
        )
        self.translate = nn.ModuleList(
            nn.Sequential(
                nn.Linear(width, config.inner_width),
                nn.GELU(),
                nn.Linear(config.inner_width, target),
            )
            for _ in range(2 * config.num_layers)
        )
        self.gates = nn.Parameter(torch.full((config.num_layers,), 2.0))  # sigmoid: 0.88

    def source(self, layer: int) -> int:
        """The sender's layer that is paired with one of the receiver's: as far from the last."""
        return max(0, self.config.sender_layers - self.config.num_layers + layer)

    def forward(self, key_values: Tensor) -> Encoded:
        """The sender's keys and values of texts to a prefix of the receiver.

        Args:
            key_values: [L, 2, B, H, T, D] of the sender, keys without rotary position. Padding
                stays where it is: the mask of the one is that of the other.

        Returns:
            Prefix float32 [L, 2, B, H, T, D] of the receiver as ``latents``; no losses.
        """
        entries = key_values.permute(2, 4, 0, 1, 3, 5)  # [B, T, L, 2, H, D]
        normal = self.normalizer(entries).flatten(-2)
        translated = torch.stack(
            [
                self.translate[2 * layer + part](normal[:, :, self.source(layer), part])
                for layer in range(self.config.num_layers)
                for part in range(2)
            ],
            dim=2,
        )  # [B, T, 2 L, H * D]
        mean = self.colorizer.mean  # [L, 2, H, D]
        colored = self.colorizer(translated.view(*translated.shape[:2], *mean.shape))
        gates = self.gates.sigmoid()[:, None, None, None]
        opened = mean + gates * (colored - mean)  # [B, T, L, 2, H, D]
        return Encoded(opened.permute(2, 3, 0, 4, 1, 5), {})
