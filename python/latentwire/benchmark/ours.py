"""Our packets, as a user writes and reads them."""

# ruff: noqa: D102 - what the methods do is said once, by `Codec`

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentwire.benchmark.codec import Codec
from latentwire.message import Encoding, Message, ModelRef, Packet, Route, SpaceRef
from latentwire.packet_encoder import PacketEncoder

__all__ = [
    "OURS",
    "ROUTE",
    "SENDER",
    "SPACE",
    "LatentwireF16",
    "LatentwireInt8",
    "LatentwireInt8Compact",
    "LatentwireInt8Message",
    "message_of",
]

# In names as long as real ones.
SENDER = ModelRef(name="tiny-llama", fingerprint=bytes(range(16)))
SPACE = SpaceRef(name="tiny-v1", fingerprint=bytes(range(16, 32)))
ROUTE = Route(id=1, sender=SENDER, space=SPACE, message_prefix=bytes(12), codebook=bytes(16))
"""Under which hosts that know each other send."""


def message_of(latents: NDArray[np.float32]) -> Message:
    """A new message of these latents."""
    return Message(latents=latents, sender=SENDER, space=SPACE)


class _Latentwire(Codec):
    """A self-contained packet of a new message; the input is float32, whatever the encoding."""

    encoding: ClassVar[Encoding]

    def prepare(self, latents: NDArray[np.float32]) -> Any:
        return latents

    def __init__(self) -> None:
        self._encoder = PacketEncoder(sender=SENDER, space=SPACE, encoding=self.encoding)

    def encode(self, prepared: Any) -> bytes:
        return self._encoder.encode(prepared)

    def decode(self, data: bytes) -> NDArray[np.float32]:
        return Packet.from_bytes(data).decode().latents


class LatentwireInt8(_Latentwire):
    """Quantized with a scale a row, with header and checksum."""

    name = "latentwire int8"
    encoding = "int8"
    tolerance = 1e-2


class LatentwireInt8Compact(LatentwireInt8):
    """The same between hosts that have agreed on a route; the reader decodes the latents alone."""

    name = "latentwire int8 compact"

    def __init__(self) -> None:
        self._encoder = PacketEncoder(
            sender=SENDER, space=SPACE, encoding=self.encoding, route=ROUTE
        )

    def decode(self, data: bytes) -> Any:
        return Packet.from_bytes(data).tensors_by_name()[""]


class LatentwireInt8OneScale(LatentwireInt8Compact):
    """The same with one scale for all numbers, in which the largest one sets everybody's step."""

    name = "latentwire int8 compact one scale"
    tolerance = 2e-2

    def __init__(self) -> None:
        self._encoder = PacketEncoder(
            sender=SENDER, space=SPACE, encoding=self.encoding, scales="tensor", route=ROUTE
        )


class LatentwireInt8Message(LatentwireInt8):
    """The same through a message object, as whoever writes a few of them does."""

    name = "latentwire int8 message"

    def encode(self, prepared: Any) -> bytes:
        return bytes(message_of(prepared).encode(self.encoding))


class LatentwireF16(_Latentwire):
    """What peers send, f16, in our packet."""

    name = "latentwire f16"
    encoding = "f16"


OURS: tuple[type[Codec], ...] = (
    LatentwireInt8,
    LatentwireInt8Message,
    LatentwireInt8Compact,
    LatentwireInt8OneScale,
    LatentwireF16,
)
