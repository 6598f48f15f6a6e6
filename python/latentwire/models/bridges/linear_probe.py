"""Linear probe: mean of the states, one linear map. What any other bridge has to beat."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from latentwire.models.bridges.base import Bridge, BridgeConfig, Encoded, pooled, unit


@dataclass(frozen=True, kw_only=True)
class LinearProbeConfig(BridgeConfig):
    """Geometry of a ``LinearProbe``."""


class LinearProbe(Bridge):
    """Pool, linear."""

    kind = "linear-probe"

    def __init__(self, config: LinearProbeConfig) -> None:
        super().__init__(config)
        self.config = config
        self.project = nn.Linear(config.hidden_size, config.num_latents * config.latent_width)

    def forward(self, states: Tensor, mask: Tensor, k: int | None = None) -> Encoded:
        """See ``Bridge.forward``."""
        numbers = self.project(pooled(self.read(states), mask))  # [B, K * d_z]
        latents = numbers.unflatten(-1, (self.config.num_latents, -1))
        return Encoded(unit(latents[:, :k]), {})
