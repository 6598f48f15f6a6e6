"""What all bridges have in common: hidden states in, latents and auxiliary losses out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from latentwire.models.state_reader import Normalization, StateReader


class Encoded(NamedTuple):
    """What an encoder makes of a batch.

    Attributes:
        latents: float32 [B, k, d_z], each of zero mean and unit variance.
        losses: Scalars by name that training adds to its objectives, e.g. ``commitment``; empty
            where an architecture has none.
        lengths: How many of the k latents each message has, int64 [B]; None: all of them.
    """

    latents: Tensor
    losses: dict[str, Tensor]
    lengths: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class BridgeConfig:
    """What every bridge is told; see ``HiddenStateEncoderConfig``."""

    hidden_size: int
    layer: int | tuple[int, ...]
    num_latents: int = 32  # K
    latent_width: int = 256  # d_z
    normalization: Normalization = "standardize"


class Bridge(StateReader):
    """An encoder of hidden states that may have losses of its own.

    Attributes:
        takes_target: Whether ``forward`` takes a fourth argument in training, the latents
            [B, k, d_z] of another encoder that the bridge learns from.
        commits: Whether it has a loss ``commitment`` to codes that are moved by averages.
    """

    takes_target: ClassVar[bool] = False
    commits: ClassVar[bool] = False
    config: BridgeConfig

    def __init__(self, config: BridgeConfig) -> None:
        super().__init__(config.hidden_size, config.layer, config.normalization)

    def forward(self, states: Tensor, mask: Tensor, k: int | None = None) -> Encoded:
        """States to latents.

        Args:
            states: [B, T, hidden_size], or [B, T, n, hidden_size] of n layers.
            mask: bool [B, T], False on padding, which may be anywhere and changes nothing.
            k: How many latents; default: all. The first k are the same for every k.
        """
        raise NotImplementedError


def encode(
    encoder: nn.Module,
    states: Tensor,
    mask: Tensor,
    k: int | None = None,
    target: Tensor | None = None,
) -> Encoded:
    """Run any encoder, bridge or not; a target goes to those alone that learn from it."""
    if isinstance(encoder, Bridge):
        taught = (target,) if encoder.takes_target else ()
        encoded: Encoded = encoder(states, mask, k, *taught)
        return encoded
    latents = encoder(states, mask, k)
    of_texts = getattr(encoder, "lengths", None)  # also of an encoder that is wrapped
    lengths = None if of_texts is None else of_texts(mask)
    return Encoded(latents, {}, None if lengths is None else lengths.clamp_max(latents.shape[1]))


def pooled(states: Tensor, mask: Tensor) -> Tensor:
    """Mean over real positions: [B, T, d] and bool [B, T] -> [B, d]."""
    weights = mask[:, :, None].to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1).clamp_min(1)


def unit(latents: Tensor) -> Tensor:
    """Latents [..., d_z] as a message holds them: float32, zero mean and unit variance each."""
    return F.layer_norm(latents.float(), latents.shape[-1:])
