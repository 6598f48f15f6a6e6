"""Multi-layer perceptron: pool, linear, expand."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from latentwire.models.bridges.base import Bridge, BridgeConfig, Encoded, pooled, unit


@dataclass(frozen=True, kw_only=True)
class MlpBridgeConfig(BridgeConfig):
    """Geometry of an ``MlpBridge``."""

    inner_width: int = 512


class MlpBridge(Bridge):
    """Mean of the states through one hidden layer, expanded to all latents."""

    kind = "mlp"

    def __init__(self, config: MlpBridgeConfig) -> None:
        super().__init__(config)
        self.config = config
        self.reduce = nn.Linear(config.hidden_size, config.inner_width)
        self.expand = nn.Linear(config.inner_width, config.num_latents * config.latent_width)

    def forward(self, states: Tensor, mask: Tensor, k: int | None = None) -> Encoded:
        """See ``Bridge.forward``."""
        inner = nn.functional.gelu(self.reduce(pooled(self.read(states), mask)))
        latents = self.expand(inner).unflatten(-1, (self.config.num_latents, -1))  # [B, K, d_z]
        return Encoded(unit(latents[:, :k]), {})
