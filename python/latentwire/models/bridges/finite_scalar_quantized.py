"""Finite scalar quantized bridge: a few numbers of a few levels a latent, no codebook to learn."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from latentwire.models.bridges.quantized import (
    QuantizedBridge,
    QuantizedBridgeConfig,
    quantizer_library,
)


@dataclass(frozen=True, kw_only=True)
class FiniteScalarQuantizedBridgeConfig(QuantizedBridgeConfig):
    """Geometry of a ``FiniteScalarQuantizedBridge``."""

    levels: tuple[int, ...] = (8, 8, 8, 8)  # 4,096 codes


class FiniteScalarQuantizedBridge(QuantizedBridge):
    """Finite scalar quantization (https://arxiv.org/abs/2309.15505)."""

    kind = "finite-scalar-quantized"

    def __init__(self, config: FiniteScalarQuantizedBridgeConfig) -> None:
        super().__init__(config)
        self.config = config
        self.quantizer = quantizer_library().FSQ(
            levels=list(config.levels), dim=config.latent_width
        )

    def quantize(self, latents: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """See ``QuantizedBridge``; nothing has to be committed to."""
        quantized, codes = self.quantizer(latents)
        return quantized, codes, {}

    def look_up(self, codes: Tensor) -> Tensor:
        """See ``QuantizedBridge``."""
        quantized: Tensor = self.quantizer.indices_to_codes(codes)  # type: ignore[operator]
        return quantized
