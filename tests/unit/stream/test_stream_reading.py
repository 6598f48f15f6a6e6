"""A file of packets, read in any order."""

from __future__ import annotations

import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from latentwire import errors
from latentwire.message import Limits
from latentwire.stream import (
    PacketStream,
    StreamWriter,
    open_stream,
)
from stream_packets import BYTES, ENDS, HIDDEN, PACKETS, WHOLE, all_of, packet


def test_what_is_written_is_read_in_any_order(path: Path) -> None:
    with StreamWriter(path) as writer:
        assert [writer.append(one) for one in PACKETS] == [0, 1, 2, 3]
        assert (len(writer), writer.appended, writer.cut_bytes) == (4, 4, 0)
    assert path.read_bytes() == WHOLE
    with open_stream(path) as stream:
        assert len(stream) == 4
        assert [stream[number] for number in (3, 0, -1, -4)] == [PACKETS[n] for n in (3, 0, 3, 0)]
        assert stream[1:3] == PACKETS[1:3]
        assert stream[::-2] == PACKETS[::-2]
        assert list(stream) == PACKETS
        assert list(reversed(stream)) == PACKETS[::-1]
        assert PACKETS[2] in stream
        assert stream.index(PACKETS[2]) == 2
        assert stream.read(1) == BYTES[1]
        assert stream.place(2) == (ENDS[1], len(BYTES[2]))
        assert (stream.gaps, stream.tail) == ((), None)
        stream.check()
        np.testing.assert_array_equal(stream[2].decode().latents, PACKETS[2].decode().latents)
        for number in (4, -5):
            with pytest.raises(IndexError, match="4 packets"):
                stream[number]


def test_packets_are_found_by_message_id(path: Path) -> None:
    path.write_bytes(WHOLE + HIDDEN + BYTES[1])
    with open_stream(path) as stream:
        assert [stream.message_id(number) for number in range(2)] == [
            PACKETS[0].message_id,
            PACKETS[1].message_id,
        ]
        assert stream.message_id(4) is None
        assert stream.find(PACKETS[1].message_id) == 1
        assert stream.find(PACKETS[1].message_id, 2) == 5
        for unknown in (bytes(16), b"short", 7):
            with pytest.raises(KeyError):
                stream.find(unknown)


def test_one_packet_two_streams_and_nothing_are_streams(path: Path) -> None:
    path.write_bytes(BYTES[0])
    assert all_of(path) == PACKETS[:1]
    path.write_bytes(WHOLE + WHOLE)
    assert all_of(path) == PACKETS * 2
    path.write_bytes(b"")
    assert all_of(path) == []


def test_packets_that_cannot_be_opened_are_framed_all_the_same(path: Path) -> None:
    path.write_bytes(BYTES[0] + HIDDEN + BYTES[1])
    with open_stream(path) as stream:
        assert len(stream) == 3
        assert stream.read(1) == HIDDEN
        assert stream[2] == PACKETS[1]
        with pytest.raises(errors.WireError, match=f"byte {ENDS[0]} of the stream") as caught:
            stream[1]
        assert caught.value.offset is not None
        assert caught.value.offset >= ENDS[0]


def test_a_file_that_is_not_there(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_stream(path)
    assert list(path.parent.iterdir()) == []


def test_a_closed_stream_is_closed(whole: Path) -> None:
    stream = open_stream(whole)
    stream.close()
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        stream[0]


def test_threads_and_processes_share_a_stream(path: Path) -> None:
    with StreamWriter(path) as writer:
        for number in range(200):
            writer.append(packet(number, number % 7 + 1))
    order = random.Random(1).sample(range(200), 200)
    with open_stream(path) as stream:
        again: PacketStream = pickle.loads(pickle.dumps(stream))
        with again, ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda number: stream[number].message_id, order))
            assert found == list(pool.map(lambda number: again[number].message_id, order))
    assert found == [number.to_bytes(16) for number in order]


def test_limits_are_those_of_the_reader(whole: Path) -> None:
    tight = Limits(total_bytes=max(len(BYTES[0]), len(BYTES[1])))
    with open_stream(whole, limits=tight, save_index=False) as stream:
        assert list(stream) == PACKETS[:2]
    # The index that another reader left holds packets that this one does not take.
    open_stream(whole).close()
    with open_stream(whole, limits=tight) as stream:
        assert stream[1] == PACKETS[1]
        with pytest.raises(errors.LimitExceededError) as caught:
            stream[2]
        assert (caught.value.id, caught.value.offset) == ("limit.total_bytes", ENDS[1])
