"""Perceiver resampler: any number of states to K latents (https://arxiv.org/abs/2204.14198).

Unusual here: attention among the latents is causal. Latent i depends on the states and on latents
0..i only, so the first k latents are the same whether k or all are computed, and a message can be
cut to any prefix without its encoder.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentwire.models.attention import Attention, FeedForward


class ResamplerBlock(nn.Module):
    """Cross-attention to the states, causal self-attention among the latents, feed-forward."""

    def __init__(self, width: int, num_heads: int, multiple: int) -> None:
        super().__init__()
        self.norm_cross = nn.LayerNorm(width)
        self.cross = Attention(width, num_heads)
        self.norm_self = nn.LayerNorm(width)
        self.self_attention = Attention(width, num_heads)
        self.norm_forward = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, multiple)

    def forward(self, latents: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """Latents [B, k, d], states [B, T, d], mask bool [B, T] -> latents [B, k, d]."""
        latents = latents + self.cross(self.norm_cross(latents), states, mask)
        own = self.norm_self(latents)
        latents = latents + self.self_attention(own, own, is_causal=True)
        refined: Tensor = latents + self.feed_forward(self.norm_forward(latents))
        return refined


class PerceiverResampler(nn.Module):
    """K learned queries read a sequence; every latent leaves with zero mean and unit variance.

    The closing normalization has no weights: each latent has root mean square 1, which is what
    makes low-bit quantization nearly free.

    Args:
        num_latents: K.
        width: d.
        num_heads: Of every attention.
        depth: Blocks.
        multiple: Feed-forward width over d.
        query_deviation: Of the queries at first, which are normal.
    """

    def __init__(
        self,
        num_latents: int,
        width: int,
        num_heads: int,
        depth: int,
        multiple: int,
        *,
        query_deviation: float = 1.0,
    ) -> None:
        super().__init__()
        self.queries = nn.Parameter(query_deviation * torch.randn(num_latents, width))
        self.blocks = nn.ModuleList(
            ResamplerBlock(width, num_heads, multiple) for _ in range(depth)
        )

    def forward(
        self, states: Tensor, mask: Tensor, k: int | None = None, beginning: Tensor | None = None
    ) -> Tensor:
        """States [B, T, d] and mask bool [B, T] -> the first k latents [B, k, d], float32.

        A beginning [B, k, d] is what is known of the latents already; it is added to the queries.
        """
        latents = self.queries[:k].expand(states.shape[0], -1, -1)
        if beginning is not None:
            latents = latents + beginning
        for block in self.blocks:
            latents = block(latents, states, mask)
        return F.layer_norm(latents.float(), latents.shape[-1:])
