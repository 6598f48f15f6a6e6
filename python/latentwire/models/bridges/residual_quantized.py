"""Residual vector-quantized bridge: several codes a latent, each of what the former left."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from latentwire.models.bridges.quantized import (
    QuantizedBridge,
    QuantizedBridgeConfig,
    quantizer_library,
)


@dataclass(frozen=True, kw_only=True)
class ResidualQuantizedBridgeConfig(QuantizedBridgeConfig):
    """Geometry of a ``ResidualQuantizedBridge``."""

    codebook_size: int = 1024
    num_stages: int = 4
    dead_below: int = 2  # uses a step, averaged, below which a code is moved to where latents are


class ResidualQuantizedBridge(QuantizedBridge):
    """Residual quantization (https://arxiv.org/abs/2107.03312)."""

    kind = "residual-quantized"
    commits = True

    def __init__(self, config: ResidualQuantizedBridgeConfig) -> None:
        super().__init__(config)
        self.config = config
        self.quantizer = quantizer_library().ResidualVQ(
            dim=config.latent_width,
            codebook_size=config.codebook_size,
            num_quantizers=config.num_stages,
            kmeans_init=True,  # of the first training batch: else few codes are ever used
            threshold_ema_dead_code=config.dead_below,
        )

    def quantize(self, latents: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """See ``QuantizedBridge``."""
        quantized, codes, losses = self.quantizer(latents)
        return quantized, codes, {"commitment": losses.sum()}

    def look_up(self, codes: Tensor) -> Tensor:
        """See ``QuantizedBridge``."""
        quantized: Tensor = self.quantizer.get_output_from_indices(codes)  # type: ignore[operator]
        return quantized
