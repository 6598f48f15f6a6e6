"""Our packets, as a user writes and reads them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentwire.benchmark.codec import Codec
from latentwire.message import Encoding, Message, ModelRef, Packet, SpaceRef

__all__ = ["OURS", "LatentwireF16", "LatentwireInt8", "message_of"]

_SENDER = ModelRef(name="tiny-llama", fingerprint=bytes(range(16)))
_SPACE = SpaceRef(name="tiny-v1", fingerprint=bytes(range(16, 32)))


def message_of(latents: NDArray[np.float32]) -> Message:
    """A new message, in names as long as real ones."""
    return Message(latents=latents, sender=_SENDER, space=_SPACE)


class _Latentwire(Codec):
    """A self-contained packet of a new message; the input is float32, whatever the encoding."""

    encoding: ClassVar[Encoding]

    def prepare(self, latents: NDArray[np.float32]) -> Any:
        return latents

    def encode(self, prepared: Any) -> bytes:
        return bytes(message_of(prepared).encode(self.encoding))

    def decode(self, data: bytes) -> NDArray[np.float32]:
        return Packet.from_bytes(data).decode().latents


class LatentwireInt8(_Latentwire):
    """Quantized with a scale a row, with header and checksum."""

    name = "latentwire int8"
    encoding = "int8"
    tolerance = 1e-2


class LatentwireF16(_Latentwire):
    """What peers send, f16, in our packet."""

    name = "latentwire f16"
    encoding = "f16"


OURS: tuple[type[Codec], ...] = (LatentwireInt8, LatentwireF16)
