"""Every architecture by its name: what a part's description says, and what a recipe may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from latentwire.models.adapter import Adapter, AdapterConfig
from latentwire.models.bridges import (
    Bridge,
    DiffusionBridge,
    DiffusionBridgeConfig,
    FiniteScalarQuantizedBridge,
    FiniteScalarQuantizedBridgeConfig,
    KeyValueProjector,
    KeyValueProjectorConfig,
    LinearProbe,
    LinearProbeConfig,
    MlpBridge,
    MlpBridgeConfig,
    ResidualQuantizedBridge,
    ResidualQuantizedBridgeConfig,
    TransformerBridge,
    TransformerBridgeConfig,
    VectorQuantizedBridge,
    VectorQuantizedBridgeConfig,
)
from latentwire.models.byte_encoder import ByteEncoder, ByteEncoderConfig
from latentwire.models.deep_adapter import DeepAdapter, DeepAdapterConfig
from latentwire.models.hidden_state_encoder import HiddenStateEncoder, HiddenStateEncoderConfig

Role = Literal["encoder", "adapter", "projector"]


Encoder = HiddenStateEncoder | ByteEncoder | Bridge
"""What makes latents. All but bytes have a ``config.layer`` that says which states they read."""


@dataclass(frozen=True)
class Architecture:
    """A module that is built from its configuration alone.

    Attributes:
        role: What such a part is for: an encoder makes latents, an adapter a receiver's prefix of
            them, a projector a receiver's prefix of a sender's keys and values.
        module: The class; its constructor takes ``config``, its ``kind`` is the name.
        config: The class of its configuration, a frozen dataclass.
    """

    role: Role
    module: type[Any]
    config: type[Any]


ARCHITECTURES: dict[str, Architecture] = {
    entry.module.kind: entry
    for entry in (
        Architecture("encoder", HiddenStateEncoder, HiddenStateEncoderConfig),
        Architecture("encoder", ByteEncoder, ByteEncoderConfig),
        Architecture("encoder", LinearProbe, LinearProbeConfig),
        Architecture("encoder", MlpBridge, MlpBridgeConfig),
        Architecture("encoder", TransformerBridge, TransformerBridgeConfig),
        Architecture("encoder", VectorQuantizedBridge, VectorQuantizedBridgeConfig),
        Architecture("encoder", ResidualQuantizedBridge, ResidualQuantizedBridgeConfig),
        Architecture("encoder", FiniteScalarQuantizedBridge, FiniteScalarQuantizedBridgeConfig),
        Architecture("encoder", DiffusionBridge, DiffusionBridgeConfig),
        Architecture("projector", KeyValueProjector, KeyValueProjectorConfig),
        Architecture("adapter", Adapter, AdapterConfig),
        Architecture("adapter", DeepAdapter, DeepAdapterConfig),
    )
}
