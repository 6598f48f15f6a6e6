"""How near the entropy stage comes to the entropy of what it codes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from latentwire.benchmark.ours import SENDER, SPACE
from latentwire.message import Encoding, Message, Packet
from latentwire.resources import EntropyTables, Resources

__all__ = ["FREE_BYTES", "above_entropy", "entropy_bytes", "symbols_of"]

FREE_BYTES = 24
"""What a stream may take beside the entropy."""
_BITS: dict[Encoding, int] = {"int4": 4, "int2": 2}


def above_entropy(
    fitted: NDArray[np.float32], sent: NDArray[np.float32], encoding: Encoding
) -> float:
    """Mean bytes of coded messages over what their entropy and ``FREE_BYTES`` would take.

    Args:
        fitted: Float32 [N, K, D], the messages that the tables are fitted to.
        sent: Float32 [M, K, D], other messages of the same kind.
        encoding: int4 or int2.
    """
    resources = Resources(tables=[EntropyTables.fit(fitted, encoding)])
    stored, coded = [], 0
    for latents in sent:
        message = Message(latents=latents, sender=SENDER, space=SPACE)
        stored.append(symbols_of(message.encode(encoding)))
        packet = message.encode(encoding, compression="entropy", resources=resources)
        # Scales, two bytes a row, are not coded.
        coded += packet.payload_length - 2 * latents.shape[0]
    allowed = entropy_bytes(np.stack(stored)) + FREE_BYTES * len(sent)
    return coded / allowed


def symbols_of(packet: Packet) -> NDArray[np.uint8]:
    """The codes of a stored int4 or int2 packet with a scale a row, uint8 [K, D]."""
    rows, columns = packet.shape
    bits = _BITS[packet.encoding]
    codes = bytes(packet)[packet.payload_offset :][2 * rows : packet.payload_length]
    packed = np.frombuffer(codes, np.uint8)[:, None]
    unpacked = packed >> np.arange(0, 8, bits, dtype=np.uint8) & (2**bits - 1)
    symbols: NDArray[np.uint8] = unpacked.reshape(rows, -1)[:, :columns].astype(np.uint8)
    return symbols


def entropy_bytes(symbols: NDArray[np.uint8]) -> float:
    """Bytes that symbols [M, K, D] take with the empirical distribution of each of D columns."""
    return sum(_bits(column) for column in _columns(symbols)) / 8


def _columns(symbols: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    yield from symbols.reshape(-1, symbols.shape[-1]).T


def _bits(column: NDArray[np.uint8]) -> float:
    counts = np.bincount(column)
    counts = counts[counts > 0]
    return float((counts * np.log2(counts.sum() / counts)).sum())
