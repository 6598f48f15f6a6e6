"""State decoder: what the sender's states were, position by position, by the message alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentwire.models.attention import Attention, FeedForward


class StateDecoder(nn.Module):
    """A query for each position reads the latents.

    Positions are sinusoids (https://arxiv.org/abs/1706.03762), so texts may have any length. Every
    position is decoded on its own: nothing but the latents tells it of the text.

    Args:
        latent_width: d_z.
        hidden_size: d, the width of the sender's states.
        num_heads: Of the attention to the latents.
    """

    def __init__(self, latent_width: int, hidden_size: int, num_heads: int) -> None:
        super().__init__()
        self.norm_query = nn.LayerNorm(latent_width)
        self.attention = Attention(latent_width, num_heads)
        self.norm = nn.LayerNorm(latent_width)
        self.feed_forward = FeedForward(latent_width, 2)
        self.project = nn.Linear(latent_width, hidden_size)

    def forward(self, latents: Tensor, length: int) -> Tensor:
        """Latents [B, k, d_z] -> normalized states [B, length, d]."""
        width = latents.shape[-1]
        query = positions(length, width, latents.device).expand(len(latents), -1, -1)
        query = query + self.attention(self.norm_query(query), latents)
        query = query + self.feed_forward(self.norm(query))
        states: Tensor = self.project(query)
        return states


def positions(length: int, width: int, device: torch.device) -> Tensor:
    """Sinusoids of positions 0 to length - 1, [length, width]; of an odd width the last is 0."""
    rates = torch.exp(torch.arange(0, width - 1, 2, device=device) * (-9.21 / width))
    angles = torch.arange(length, device=device)[:, None] * rates
    signal = torch.zeros(length, width, device=device)
    signal[:, 0 : 2 * len(rates) : 2] = angles.sin()
    signal[:, 1 : 2 * len(rates) : 2] = angles.cos()
    return signal
