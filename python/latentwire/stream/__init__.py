"""Streams of packets: files (``.lwp``) that are appended to safely and read at random, and pipes.

    with StreamWriter("latents.lwp") as writer:
        for packet in packets:
            writer.append(packet)

    with open_stream("latents.lwp") as stream:
        print(len(stream), stream[17].decode().latents)

    for packet in read_stream(sys.stdin.buffer):
        ...

A stream is packets end to end with nothing between, so ``cat a.lwp b.lwp`` is a stream and one
packet is a stream of one. A crash while writing leaves a torn packet at the end, which the next
``StreamWriter`` cuts off: what was whole is never lost. Offsets in errors of this module count from
the start of the stream.

Beside ``latents.lwp`` lies ``latents.lwp.idx``, where every packet is. It is a cache: made from the
stream where it is missing or stale, and safe to delete.
"""

from __future__ import annotations

from latentwire.stream.damage import Damage
from latentwire.stream.index import index_path
from latentwire.stream.pipe import read_stream
from latentwire.stream.reader import PacketStream, open_stream
from latentwire.stream.writer import StreamWriter

__all__ = [
    "Damage",
    "PacketStream",
    "StreamWriter",
    "index_path",
    "open_stream",
    "read_stream",
]
