"""Bridges whose latents are codes: a resampler, then a quantizer of ``vector-quantize-pytorch``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from latentwire.extras import require_extra
from latentwire.models.bridges.base import Bridge, BridgeConfig, Encoded, unit
from latentwire.models.resampler import PerceiverResampler


@dataclass(frozen=True, kw_only=True)
class QuantizedBridgeConfig(BridgeConfig):
    """What every bridge with codes is told."""

    num_heads: int = 8
    depth: int = 2  # resampler blocks
    multiple: int = 2  # feed-forward width over d_z


class QuantizedBridge(Bridge):
    """A message can be sent as codes: ``decode`` of ``codes`` gives the latents again.

    Attributes:
        quantizer: The library's module.
    """

    quantizer: nn.Module

    def __init__(self, config: QuantizedBridgeConfig) -> None:
        super().__init__(config)
        self.project = nn.Linear(config.hidden_size, config.latent_width)
        self.norm = nn.LayerNorm(config.latent_width)
        self.resampler = PerceiverResampler(
            config.num_latents, config.latent_width, config.num_heads, config.depth, config.multiple
        )

    def forward(self, states: Tensor, mask: Tensor, k: int | None = None) -> Encoded:
        """See ``Bridge.forward``; the gradient passes the quantizer straight through."""
        quantized, _, losses = self.quantize(self._resampled(states, mask, k))
        return Encoded(unit(quantized), losses)

    @torch.no_grad()
    def codes(self, states: Tensor, mask: Tensor, k: int | None = None) -> Tensor:
        """Codes int64 [B, k], of residual quantizers [B, k, stages]; use in evaluation mode."""
        _, codes, _ = self.quantize(self._resampled(states, mask, k))
        return codes.long()

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Codes int64 [B, k] or [B, k, stages] -> latents float32 [B, k, d_z]."""
        return unit(self.look_up(codes))

    def quantize(self, latents: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Latents [B, k, d_z] -> quantized [B, k, d_z], codes, auxiliary losses."""
        raise NotImplementedError

    def look_up(self, codes: Tensor) -> Tensor:
        """Codes -> quantized [B, k, d_z]."""
        raise NotImplementedError

    def _resampled(self, states: Tensor, mask: Tensor, k: int | None) -> Tensor:
        projected = self.norm(self.project(self.read(states)))  # [B, T, d_z]
        latents: Tensor = self.resampler(projected, mask, k)
        return latents


def quantizer_library() -> Any:
    """The library, imported when a quantizer is built: that takes seconds.

    Raises:
        MissingExtraError: If it is not installed.
    """
    require_extra("train", "vector_quantize_pytorch")
    import vector_quantize_pytorch

    return vector_quantize_pytorch
