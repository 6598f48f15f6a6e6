"""Streams that end in the midst of a packet: what was whole is there, and is never cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from latentwire import errors
from latentwire.message import Limits
from latentwire.stream import (
    StreamWriter,
    index_path,
    open_stream,
)
from stream_packets import BYTES, ENDS, PACKETS, WHOLE, all_of, flipped


@pytest.mark.parametrize("indexed", ["no index", "index of three", "index of four"])
def test_a_cut_at_any_byte_of_the_last_packet_loses_that_packet_alone(
    path: Path, indexed: str
) -> None:
    index = b""
    if indexed != "no index":
        path.write_bytes(WHOLE if indexed == "index of four" else WHOLE[: ENDS[2]])
        open_stream(path).close()
        index = index_path(path).read_bytes()
    for length in range(ENDS[2], ENDS[3] + 1):
        path.write_bytes(WHOLE[:length])
        index_path(path).unlink(missing_ok=True)
        if index:
            index_path(path).write_bytes(index)
        kept, torn = (4, 0) if length == ENDS[3] else (3, length - ENDS[2])
        with open_stream(path, save_index=False) as stream:
            assert list(stream) == PACKETS[:kept]
            if torn:
                assert stream.tail is not None
                assert stream.tail.torn
                assert (stream.tail.offset, stream.tail.length) == (ENDS[2], torn)
                assert type(stream.tail.error) is errors.TruncatedPacketError
        with StreamWriter(path, fsync="never") as writer:
            assert writer.cut_bytes == torn
            assert writer.append(PACKETS[3]) == kept
            assert writer.append(PACKETS[0]) == kept + 1
        expected = [*PACKETS[:kept], PACKETS[3], PACKETS[0]]
        assert path.read_bytes() == b"".join(map(bytes, expected))
        assert all_of(path) == expected


def test_a_torn_packet_is_left_alone_when_that_is_asked_for(path: Path) -> None:
    path.write_bytes(WHOLE[:-1])
    with pytest.raises(errors.TruncatedPacketError) as caught:
        StreamWriter(path, repair="never")
    assert caught.value.hint
    assert path.read_bytes() == WHOLE[:-1]


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        (flipped(BYTES[3], 50), errors.ChecksumError),
        (b"text", errors.MalformedPacketError),
        (bytes(4096), errors.MalformedPacketError),  # what some file systems leave after a crash
    ],
    ids=["flipped bit", "text", "zeros"],
)
def test_damage_at_the_end_is_cut_only_when_that_is_asked_for(
    path: Path, tail: bytes, kind: type[errors.WireError]
) -> None:
    path.write_bytes(WHOLE[: ENDS[2]] + tail)
    with pytest.raises(kind):
        StreamWriter(path)
    assert path.read_bytes() == WHOLE[: ENDS[2]] + tail
    with StreamWriter(path, repair="damaged") as writer:
        assert writer.cut_bytes == len(tail)
        writer.append(PACKETS[3])
    assert path.read_bytes() == WHOLE


@pytest.mark.parametrize("repair", ["torn", "damaged"])
def test_what_others_can_read_is_never_cut(path: Path, repair: Any) -> None:
    later = BYTES[0][:4] + b"\x02" + BYTES[0][5:]
    path.write_bytes(WHOLE + later)
    with pytest.raises(errors.UnsupportedVersionError):
        StreamWriter(path, repair=repair)
    path.write_bytes(WHOLE)
    with pytest.raises(errors.LimitExceededError):
        StreamWriter(path, repair=repair, limits=Limits(total_bytes=len(BYTES[3]) - 1))
    assert path.read_bytes() == WHOLE


def test_packets_behind_damage_are_never_cut(path: Path) -> None:
    # A flipped bit in a length: the packet claims to run past the end, but it is not torn.
    longer = BYTES[1][:7] + b"\xff\x7f" + BYTES[1][8:]
    path.write_bytes(BYTES[0] + longer + BYTES[2])
    with StreamWriter(path) as writer:
        assert (len(writer), writer.cut_bytes) == (2, 0)
        writer.append(PACKETS[3])
    with open_stream(path) as stream:
        assert list(stream) == [PACKETS[0], PACKETS[2], PACKETS[3]]
        assert stream.gaps == (range(ENDS[0], ENDS[0] + len(longer)),)
