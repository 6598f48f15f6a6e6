"""Multi-head attention and the feed-forward block that the trained parts are built of."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head scaled dot-product attention, of queries over another or the same sequence.

    Args:
        width: d, of queries and of what is attended to.
        num_heads: Must divide the width.

    Raises:
        ValueError: If it does not.
    """

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        if num_heads < 1 or width % num_heads:
            raise ValueError(f"num_heads: {num_heads} heads do not divide a width of {width}")
        self.num_heads = num_heads
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(
        self, x: Tensor, context: Tensor, mask: Tensor | None = None, *, is_causal: bool = False
    ) -> Tensor:
        """Attend from x [B, Q, d] to context [B, T, d].

        The mask is bool: [B, T], True where context is real, or [B, Q, T], True where it is seen.
        """
        batch, length, width = x.shape
        query = self.query(x).view(batch, length, self.num_heads, -1).transpose(1, 2)
        key_value = self.key_value(context).view(batch, context.shape[1], 2, self.num_heads, -1)
        key, value = key_value.permute(2, 0, 3, 1, 4)  # each [B, H, T, d / H]
        visible = mask
        if mask is not None:
            visible = mask[:, None] if mask.ndim == 3 else mask[:, None, None, :]
        attended = F.scaled_dot_product_attention(
            query, key, value, attn_mask=visible, is_causal=is_causal
        )
        mixed: Tensor = self.output(attended.transpose(1, 2).reshape(batch, length, width))
        return mixed


class FeedForward(nn.Sequential):
    """Linear, GELU, linear."""

    def __init__(self, width: int, multiple: int) -> None:
        super().__init__(
            nn.Linear(width, multiple * width), nn.GELU(), nn.Linear(multiple * width, width)
        )
