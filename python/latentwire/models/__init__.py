"""The trained parts as plain modules: states or bytes to latents, latents to a prefix."""

from latentwire.models.adapter import Adapter, AdapterConfig
from latentwire.models.byte_encoder import ByteEncoder, ByteEncoderConfig
from latentwire.models.deep_adapter import DeepAdapter, DeepAdapterConfig
from latentwire.models.hidden_state_encoder import HiddenStateEncoder, HiddenStateEncoderConfig

__all__ = [
    "Adapter",
    "AdapterConfig",
    "ByteEncoder",
    "ByteEncoderConfig",
    "DeepAdapter",
    "DeepAdapterConfig",
    "HiddenStateEncoder",
    "HiddenStateEncoderConfig",
]
