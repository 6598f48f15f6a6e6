"""Vector-quantized bridge: one code of a learned codebook a latent."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from latentwire.models.bridges.quantized import (
    QuantizedBridge,
    QuantizedBridgeConfig,
    quantizer_library,
)


@dataclass(frozen=True, kw_only=True)
class VectorQuantizedBridgeConfig(QuantizedBridgeConfig):
    """Geometry of a ``VectorQuantizedBridge``."""

    codebook_size: int = 4096
    dead_below: int = 2  # uses a step, averaged, below which a code is moved to where latents are


class VectorQuantizedBridge(QuantizedBridge):
    """VQ-VAE codes (https://arxiv.org/abs/1711.00937), the codebook moved by averages."""

    kind = "vector-quantized"
    commits = True

    def __init__(self, config: VectorQuantizedBridgeConfig) -> None:
        super().__init__(config)
        self.config = config
        self.quantizer = quantizer_library().VectorQuantize(
            dim=config.latent_width,
            codebook_size=config.codebook_size,
            kmeans_init=True,  # of the first training batch: else few codes are ever used
            threshold_ema_dead_code=config.dead_below,
        )

    def quantize(self, latents: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """See ``QuantizedBridge``."""
        quantized, codes, loss = self.quantizer(latents)
        return quantized, codes, {"commitment": loss.sum()}

    def look_up(self, codes: Tensor) -> Tensor:
        """See ``QuantizedBridge``."""
        quantized: Tensor = self.quantizer.get_output_from_indices(codes)  # type: ignore[operator]
        return quantized
