"""Pre-norm Transformer layer."""

from __future__ import annotations

from torch import Tensor, nn

from latentwire.models.attention import Attention, FeedForward


class TransformerLayer(nn.Module):
    """Self-attention and feed-forward, each after a normalization and beside a residual."""

    def __init__(self, width: int, num_heads: int, multiple: int) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(width)
        self.attention = Attention(width, num_heads)
        self.norm_forward = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, multiple)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[B, T, d] and bool [B, T] (what is real) or [B, T, T] (who sees what) -> [B, T, d]."""
        own = self.norm_attention(x)
        x = x + self.attention(own, own, mask)
        refined: Tensor = x + self.feed_forward(self.norm_forward(x))
        return refined
