"""Transformer bridge: states and queries in one sequence, through twelve layers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latentwire.models.bridges.base import Bridge, BridgeConfig, Encoded, unit
from latentwire.models.transformer_layer import TransformerLayer


@dataclass(frozen=True, kw_only=True)
class TransformerBridgeConfig(BridgeConfig):
    """Geometry of a ``TransformerBridge``."""

    num_layers: int = 12
    num_heads: int = 8
    multiple: int = 4  # feed-forward width over d_z


class TransformerBridge(Bridge):
    """States see each other; query i sees all states and the queries before it."""

    kind = "transformer"

    def __init__(self, config: TransformerBridgeConfig) -> None:
        super().__init__(config)
        self.config = config
        self.project = nn.Linear(config.hidden_size, config.latent_width)
        self.queries = nn.Parameter(torch.randn(config.num_latents, config.latent_width))
        self.layers = nn.ModuleList(
            TransformerLayer(config.latent_width, config.num_heads, config.multiple)
            for _ in range(config.num_layers)
        )

    def forward(self, states: Tensor, mask: Tensor, k: int | None = None) -> Encoded:
        """See ``Bridge.forward``."""
        read = self.project(self.read(states))  # [B, T, d_z]
        batch, length, _ = read.shape
        queries = self.queries[:k].expand(batch, -1, -1)
        count = queries.shape[1]
        x = torch.cat([read, queries], dim=1)  # [B, T + k, d_z]
        columns = torch.arange(length + count, device=x.device)
        is_state = columns < length
        seen = is_state[None, :] | (columns[None, :] <= columns[:, None]) & ~is_state[:, None]
        real = torch.cat([mask, mask.new_ones(batch, count)], dim=1)
        visible = seen & real[:, None, :]
        for layer in self.layers:
            x = layer(x, visible)
        return Encoded(unit(x[:, length:]), {})
