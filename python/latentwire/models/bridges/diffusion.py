"""Diffusion bridge: latents flow from noise, led by the sender's states.

A diffusion Transformer (https://arxiv.org/abs/2212.09748) trained as a rectified flow
(https://arxiv.org/abs/2209.03003): paths from noise to latents are straight, so a few steps do.
Unusual here: inference starts from noise that was drawn once and is saved with the bridge, so that
the same text is the same message; and attention among latents is causal, so that any first k are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentwire.models.attention import Attention, FeedForward
from latentwire.models.bridges.base import Bridge, BridgeConfig, Encoded, unit


@dataclass(frozen=True, kw_only=True)
class DiffusionBridgeConfig(BridgeConfig):
    """Geometry of a ``DiffusionBridge``."""

    num_layers: int = 6
    num_heads: int = 8
    multiple: int = 4  # feed-forward width over d_z
    num_steps: int = 4  # Euler steps from noise to latents


class DiffusionLayer(nn.Module):
    """Causal self-attention, cross-attention to the states, feed-forward, each led by the time.

    Shift, scale and gate of each depend on the time; gates are 0 at first (adaLN-Zero).
    """

    def __init__(self, config: DiffusionBridgeConfig) -> None:
        super().__init__()
        width = config.latent_width
        self.self_attention = Attention(width, config.num_heads)
        self.cross = Attention(width, config.num_heads)
        self.feed_forward = FeedForward(width, config.multiple)
        self.modulation = nn.Linear(width, 9 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, time: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """X [B, k, d], time [B, d], states [B, T, d], mask bool [B, T] -> [B, k, d]."""
        shifts, scales, gates = self.modulation(F.silu(time))[:, None].chunk(3, dim=-1)
        own, across, alone = zip(
            *(part.chunk(3, dim=-1) for part in (shifts, scales, gates)), strict=True
        )
        led = _led(x, *own[:2])
        x = x + own[2] * self.self_attention(led, led, is_causal=True)
        x = x + across[2] * self.cross(_led(x, *across[:2]), states, mask)
        refined: Tensor = x + alone[2] * self.feed_forward(_led(x, *alone[:2]))
        return refined


class DiffusionBridge(Bridge):
    """Trained by the loss ``flow`` towards another encoder's latents, and by any objective."""

    kind = "diffusion"
    takes_target = True
    noise: Tensor

    def __init__(self, config: DiffusionBridgeConfig) -> None:
        super().__init__(config)
        self.config = config
        self.num_steps = config.num_steps
        width = config.latent_width
        self.project = nn.Linear(config.hidden_size, width)
        self.norm = nn.LayerNorm(width)
        self.positions = nn.Parameter(torch.randn(config.num_latents, width))
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.layers = nn.ModuleList(DiffusionLayer(config) for _ in range(config.num_layers))
        self.velocity_head = nn.Linear(width, width)
        nn.init.zeros_(self.velocity_head.bias)
        self.register_buffer("noise", torch.randn(config.num_latents, width))

    def forward(
        self, states: Tensor, mask: Tensor, k: int | None = None, target: Tensor | None = None
    ) -> Encoded:
        """See ``Bridge.forward``.

        With a target [B, k, d_z]: one point of the path to it is drawn, the loss is there, and the
        latents are where the velocity at that point leads. Without: the sampler's latents, through
        which gradients flow as well.
        """
        read = self.norm(self.project(self.read(states)))  # [B, T, d_z]
        if target is None:
            return Encoded(unit(self.sample(read, mask, k)), {})
        start = torch.randn_like(target)
        time = torch.rand(len(target), device=target.device)
        share = time[:, None, None]
        point = (1 - share) * start + share * target
        velocity = self.velocity(point, time, read, mask)
        loss = F.mse_loss(velocity, target - start)
        return Encoded(unit(point + (1 - share) * velocity), {"flow": loss})

    def sample(self, read: Tensor, mask: Tensor, k: int | None = None) -> Tensor:
        """Follow the flow from the saved noise: states [B, T, d_z] -> [B, k, d_z]."""
        steps = self.num_steps
        x = self.noise[:k].expand(len(read), -1, -1)
        for step in range(steps):
            time = torch.full((len(read),), step / steps, device=read.device)
            x = x + self.velocity(x, time, read, mask) / steps
        return x

    def velocity(self, x: Tensor, time: Tensor, read: Tensor, mask: Tensor) -> Tensor:
        """Where latents [B, k, d_z] at time [B] within 0..1 go: [B, k, d_z]."""
        led = self.time(_time_signal(time, x.shape[-1]))
        flowing = x + self.positions[: x.shape[1]]
        for layer in self.layers:
            flowing = layer(flowing, led, read, mask)
        velocity: Tensor = self.velocity_head(F.layer_norm(flowing, flowing.shape[-1:]))
        return velocity


def _led(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift


def _time_signal(time: Tensor, width: int) -> Tensor:
    """Sinusoids of time [B] within 0..1, [B, d]."""
    rates = torch.exp(torch.arange(0, width, 2, device=time.device) * (-9.21 / width))
    angles = 1000 * time[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
