"""How near the entropy stage comes to the entropy of what it codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentwire.benchmark.ours import SENDER, SPACE, message_of
from latentwire.message import Codes, Message, Packet, PacketEncoding
from latentwire.resources import EntropyTables, Resources

__all__ = [
    "FREE_BYTES",
    "above_entropy",
    "entropy_bytes",
    "fsq_codes",
    "symbols_of",
]

FREE_BYTES = 24
"""What a stream may take beside the entropy."""
FSQ_LEVELS = 5
Form = Literal["int4", "int2", "fsq"]
_BITS: dict[PacketEncoding, int] = {"int4": 4, "int2": 2}


def above_entropy(fitted: NDArray[np.float32], sent: NDArray[np.float32], form: Form) -> float:
    """Mean bytes of coded messages over what their entropy and ``FREE_BYTES`` would take.

    Args:
        fitted: Float32 [N, K, D], the messages that the tables are fitted to.
        sent: Float32 [M, K, D], other messages of the same kind.
        form: With a scale a row, or as ``fsq_codes``. Scales are not coded and not counted.
    """
    if form == "fsq":
        resources = Resources(tables=[EntropyTables.fit_codes(fsq_codes(fitted), FSQ_LEVELS)])
        all_codes: NDArray[Any] = fsq_codes(sent)
        messages = [_of_codes(codes) for codes in all_codes]
        packets = [m.encode(compression="entropy", resources=resources) for m in messages]
        coded = sum(packet.payload_length for packet in packets)
    else:
        resources = Resources(tables=[EntropyTables.fit(fitted, form)])
        messages = [message_of(latents) for latents in sent]
        all_codes = np.stack([symbols_of(message.encode(form)) for message in messages])
        packets = [m.encode(form, compression="entropy", resources=resources) for m in messages]
        coded = sum(packet.payload_length - 2 * packet.shape[0] for packet in packets)
    return coded / (entropy_bytes(all_codes) + FREE_BYTES * len(sent))


def _of_codes(codes: NDArray[np.uint16]) -> Message:
    tensors = {"": Codes(codes, bytes(16), FSQ_LEVELS)}
    return Message(latents=np.zeros(0, np.float32), tensors=tensors, sender=SENDER, space=SPACE)


def fsq_codes(latents: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Finite scalar quantization: numbers bounded by tanh, to the nearest of ``FSQ_LEVELS``."""
    places = (np.tanh(latents) + 1) / 2 * (FSQ_LEVELS - 1)
    codes: NDArray[np.uint16] = np.rint(places).astype(np.uint16)
    return codes


def symbols_of(packet: Packet) -> NDArray[np.uint8]:
    """The codes of a stored int4 or int2 packet with a scale a row, uint8 [K, D]."""
    rows, columns = packet.shape
    bits = _BITS[packet.encoding]
    codes = bytes(packet)[packet.payload_offset :][2 * rows : packet.payload_length]
    packed = np.frombuffer(codes, np.uint8)[:, None]
    unpacked = packed >> np.arange(0, 8, bits, dtype=np.uint8) & (2**bits - 1)
    symbols: NDArray[np.uint8] = unpacked.reshape(rows, -1)[:, :columns].astype(np.uint8)
    return symbols


def entropy_bytes(symbols: NDArray[np.unsignedinteger[Any]]) -> float:
    """Bytes that symbols [M, K, D] take with the empirical distribution of each of D columns."""
    return sum(_bits(column) for column in _columns(symbols)) / 8


def _columns(
    symbols: NDArray[np.unsignedinteger[Any]],
) -> Iterator[NDArray[np.unsignedinteger[Any]]]:
    yield from symbols.reshape(-1, symbols.shape[-1]).T


def _bits(column: NDArray[np.unsignedinteger[Any]]) -> float:
    counts = np.bincount(column)
    counts = counts[counts > 0]
    return float((counts * np.log2(counts.sum() / counts)).sum())
