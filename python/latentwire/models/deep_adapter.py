"""Deep adapter: latents to keys and values in every layer of one receiver.

As in prefix tuning (https://arxiv.org/abs/2101.00190), but made from a message. Keys are without
rotary position; the receiver's cache turns them to where they stand.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from latentwire.models.colorizer import Colorizer


@dataclass(frozen=True, kw_only=True)
class DeepAdapterConfig:
    """Geometry of a ``DeepAdapter``; the first three are those of the receiver's ``KeyValues``."""

    num_layers: int  # L
    num_heads: int  # H, key/value heads
    head_dim: int  # D
    latent_width: int = 256  # d_z
    inner_width: int = 384

    def tokens_of(self, k: int) -> int:
        """How many entries of a cache the first k latents make: one each."""
        return k


class DeepAdapter(nn.Module):
    """Two-layer perceptron from each latent to all its keys and values, then the colorizer.

    The colorizer holds the statistics of the receiver's own keys and values of text, by layer, head
    and dimension.
    """

    kind = "key-value"

    def __init__(self, config: DeepAdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.shape = (config.num_layers, 2, config.num_heads, config.head_dim)
        numbers = 2 * config.num_layers * config.num_heads * config.head_dim
        self.expand = nn.Linear(config.latent_width, config.inner_width)
        self.project = nn.Linear(config.inner_width, numbers)
        self.colorizer = Colorizer(*self.shape)

    def forward(self, latents: Tensor) -> Tensor:
        """Latents [B, k, d_z] -> key/value prefix float32 [L, 2, B, H, k, D]."""
        numbers = self.project(nn.functional.gelu(self.expand(latents)))
        colored: Tensor = self.colorizer(numbers.unflatten(-1, self.shape))  # [B, k, L, 2, H, D]
        return colored.permute(2, 3, 0, 4, 1, 5)
