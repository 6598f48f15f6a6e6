"""The trained parts as plain modules: what turns states or bytes into latents and latents into a prefix."""

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
