"""Honest sealed packets, and altered ones: how many are accepted, how many refused."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from latentwire.benchmark.ours import SENDER, SPACE
from latentwire.errors import WireError
from latentwire.message import Message, Packet
from latentwire.trust import Sealer, SealKey, Verifier

__all__ = ["accepted_and_refused", "crc32c"]

_ID, _KEY = b"bench-01", bytes(range(32))


def accepted_and_refused(latents: NDArray[np.float32], count: int, seed: int) -> tuple[int, int]:
    """Seal and verify ``count`` packets, and as many altered ones.

    Every alteration is one of: a bit flipped with the checksum made right by the alterer, a packet
    sent again, the rows of another packet, a packet sealed with another key.

    Args:
        latents: Float32 [K, D] of the messages; each is scaled differently.
        count: How many of each.
        seed: Of what is altered where.

    Returns:
        Honest packets that were accepted, altered ones that were refused.
    """
    rng = random.Random(seed)  # noqa: S311 - which bit is flipped is no secret
    key = SealKey("blake3", _ID, _KEY)
    sealer, stranger = Sealer(key), Sealer(SealKey("blake3", _ID, bytes(32)))
    verifier = Verifier([key.verify_key()])
    accepted = refused = 0

    def packet(number: int) -> Packet:
        scaled = latents * np.float32(1 + number % 97)
        return Message(latents=scaled, sender=SENDER, space=SPACE).encode("int8")

    alterations: list[Callable[[Packet, Packet], bytes]] = [
        lambda sealed, _: _flipped(bytes(sealed), rng),
        lambda sealed, _: bytes(sealed),  # it was received already
        _with_other_rows,
        lambda _, other: bytes(stranger.seal(other)),
    ]
    for number in range(count):
        unsealed = packet(number)
        sealed = sealer.seal(unsealed)
        accepted += _is_accepted(verifier, bytes(sealed))
        altered = alterations[number % len(alterations)](sealed, packet(number + 1))
        refused += not _is_accepted(verifier, altered)
    return accepted, refused


def _is_accepted(verifier: Verifier, data: bytes) -> bool:
    try:
        verifier.verify(data)
    except WireError:
        return False
    return True


def _flipped(data: bytes, rng: random.Random) -> bytes:
    """One bit of header, sections or seal flipped, under a right checksum."""
    altered = bytearray(data[:-4])
    altered[rng.randrange(8, len(altered))] ^= 1 << rng.randrange(8)
    return bytes(altered) + crc32c(bytes(altered)).to_bytes(4, "little")


def _with_other_rows(sealed: Packet, other: Packet) -> bytes:
    """The payload of another packet under the seal of this one."""
    altered = bytearray(bytes(sealed)[:-4])
    start, length = sealed.payload_offset, sealed.payload_length
    altered[start : start + length] = bytes(other)[other.payload_offset :][:length]
    return bytes(altered) + crc32c(bytes(altered)).to_bytes(4, "little")


def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """The checksum of a packet, for whoever alters one."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF
