"""Packets one by one, from pipes and from damaged bytes."""

from __future__ import annotations

import io
import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from latentwire import errors
from latentwire.stream import (
    Damage,
    read_stream,
)
from stream_packets import BYTES, ENDS, HIDDEN, PACKETS, flipped


def test_packets_come_out_of_a_pipe_as_they_arrive() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as sink:
        found = read_stream(source)
        for one in PACKETS:
            sink.write(bytes(one))
            assert next(found) == one  # would hang if it waited for more
        sink.write(BYTES[0][:20])
        sink.close()
        with pytest.raises(errors.TruncatedPacketError) as caught:
            next(found)
        assert caught.value.offset == ENDS[3] + 20
        assert f"packet at byte {ENDS[3]} of the stream" in str(caught.value)


def test_a_long_pipe() -> None:
    reading, writing = os.pipe()
    expected = PACKETS * 500

    def write() -> None:
        with os.fdopen(writing, "wb") as sink:
            sink.writelines(map(bytes, expected))

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb") as source:
        assert list(read_stream(source)) == expected
    thread.join()


def test_damage_in_a_stream_is_raised_or_passed_over() -> None:
    hit = flipped(BYTES[1], 40)
    data = BYTES[0] + hit + BYTES[2] + HIDDEN + b"text" + BYTES[3] + BYTES[0][:-1]
    found = read_stream(io.BytesIO(data))
    assert next(found) == PACKETS[0]
    with pytest.raises(errors.ChecksumError) as caught:
        next(found)
    assert caught.value.offset == ENDS[1] - 4
    told: list[Damage] = []
    assert list(read_stream(io.BytesIO(data), on_damage=told.append)) == [
        PACKETS[0],
        PACKETS[2],
        PACKETS[3],
    ]
    places = [(one.offset, one.length, one.torn) for one in told]
    assert places == [
        (ENDS[0], len(hit), False),
        (ENDS[2], len(HIDDEN), False),
        (ENDS[2] + len(HIDDEN), 4, False),
        (len(data) - len(BYTES[0]) + 1, len(BYTES[0]) - 1, True),
    ]
    assert type(told[0].error) is errors.ChecksumError
    assert all(one.error.offset is not None and one.error.offset >= one.offset for one in told)


def test_what_a_source_raises_is_raised() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError, match="gone"):
        next(read_stream(Broken()))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="binary file"):
        next(read_stream(io.StringIO("text")))  # type: ignore[arg-type]


@settings(max_examples=60)
@given(
    pieces=st.lists(
        st.one_of(
            st.sampled_from(BYTES),
            st.binary(max_size=30),
            st.builds(lambda data, cut: data[:cut], st.sampled_from(BYTES), st.integers(0, 90)),
            st.builds(flipped, st.sampled_from(BYTES), st.integers(0, len(BYTES[1]) - 1)),
        ),
        max_size=8,
    )
)
def test_any_bytes_are_packets_and_damage_side_by_side(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    told: list[Damage] = []
    found = list(read_stream(io.BytesIO(data), on_damage=told.append))
    assert sum(len(one) for one in found) + sum(one.length for one in told) == len(data)
    sound = [one for one in pieces if one in BYTES]
    assert [bytes(one) for one in found] == sound
