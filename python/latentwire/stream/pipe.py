"""Packets one by one, from whatever bytes can be read from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from latentwire import _native
from latentwire.errors import WireError
from latentwire.message import DEFAULT_LIMITS, Limits, Packet
from latentwire.stream.damage import Damage, damage_of, placed_in_stream


def read_stream(
    source: BinaryIO,
    *,
    limits: Limits = DEFAULT_LIMITS,
    on_damage: Callable[[Damage], object] | None = None,
) -> Iterator[Packet]:
    """Packets one by one from a binary file, a pipe, a socket's file or a decompressor.

    A packet is given as soon as its last byte has arrived. More than one may be read ahead.

    Args:
        source: Anything with ``read1`` or ``read``, at the beginning of a packet.
        limits: What one packet may take.
        on_damage: Called with what is damaged; reading goes on with the next sound packet. A packet
            that arrived whole but cannot be read is reported so too. Without it, the first damage
            is raised.

    Raises:
        TruncatedPacketError: If the stream ends inside a packet.
        WireError: If something in it is no packet or cannot be read; the subclass says why.
        OSError: What ``source`` raises. Reading cannot go on after it.
    """
    reader = _native.PacketReader(source, limits._tuple(), on_damage is not None)
    while (part := reader.next_part()) is not None:
        offset, data, damage = part
        if data is None:
            if on_damage is not None and damage is not None:
                on_damage(damage_of(damage))
            continue
        try:
            packet = Packet.from_bytes(data, limits)
        except WireError as error:
            placed = placed_in_stream(error, offset)
            if on_damage is None:
                raise placed from None
            on_damage(Damage(offset, len(data), torn=False, error=placed))
        else:
            yield packet
