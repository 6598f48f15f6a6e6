"""The trained parts as plain modules: states or bytes to latents, latents to a soft prefix."""

from latentwire.models.adapter import Adapter, AdapterConfig
from latentwire.models.byte_encoder import ByteEncoder, ByteEncoderConfig
from latentwire.models.hidden_state_encoder import HiddenStateEncoder, HiddenStateEncoderConfig

__all__ = [
    "Adapter",
    "AdapterConfig",
    "ByteEncoder",
    "ByteEncoderConfig",
    "HiddenStateEncoder",
    "HiddenStateEncoderConfig",
]
