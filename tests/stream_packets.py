"""Four packets, and the stream that they are end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from latentwire.message import Message, ModelRef, Packet, SpaceRef
from latentwire.stream import open_stream


def packet(number: int, rows: int = 2) -> Packet:
    latents = np.full((rows, 3), number, np.float32)
    return Message(
        latents=latents,
        sender=ModelRef(name="tiny-llama", fingerprint=bytes(16)),
        space=SpaceRef(name="tiny-v1", fingerprint=bytes(16)),
        message_id=number.to_bytes(16),
    ).encode("f32")


PACKETS = [packet(number, rows) for number, rows in enumerate([2, 1, 5, 3], 1)]
BYTES = [bytes(one) for one in PACKETS]
WHOLE = b"".join(BYTES)
ENDS = [sum(map(len, BYTES[: number + 1])) for number in range(len(BYTES))]
HIDDEN = bytes.fromhex("894c575001000204a7f3fcef")
"""A whole frame whose profile shows nothing of what is inside."""


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


def all_of(path: Path) -> list[Packet]:
    with open_stream(path, save_index=False) as stream:
        return list(stream)
