"""Streams of packets: random access, crashes at every byte, indexes that are stale, two writers."""

from __future__ import annotations

import errno
import io
import os
import pickle
import random
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from latentwire import errors
from latentwire.message import Limits, Message, ModelRef, Packet, SpaceRef
from latentwire.stream import (
    Damage,
    PacketStream,
    StreamWriter,
    index_path,
    open_stream,
    read_stream,
)


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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "latents.lwp"


@pytest.fixture
def whole(path: Path) -> Path:
    path.write_bytes(WHOLE)
    return path


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


def all_of(path: Path) -> list[Packet]:
    with open_stream(path, save_index=False) as stream:
        return list(stream)


# --- Files at random -----------------------------------------------------------------------------


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


# --- Crashes -------------------------------------------------------------------------------------


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


class Disk(io.FileIO):
    """A file whose disk fills up: it takes ``room`` more bytes, a few at a time."""

    room = 10**9
    keeps = False

    def write(self, data: Any) -> int:
        taken = min(len(data), 7, self.room)
        if taken == 0:
            raise OSError(errno.ENOSPC, "no space left on device")
        self.room -= taken
        return super().write(bytes(data[:taken]))

    def truncate(self, size: int | None = None) -> int:
        if self.keeps:
            raise OSError(errno.EIO, "input/output error")
        return super().truncate(size)


def test_a_packet_that_does_not_fit_on_the_disk_is_taken_back(path: Path) -> None:
    with StreamWriter(path) as writer:
        writer.append(PACKETS[0])
        real, writer._file = writer._file, Disk(path, "a")
        disk = writer._file
        for room in range(len(BYTES[1])):
            disk.room = room
            with pytest.raises(OSError, match="no space"):
                writer.append(PACKETS[1])
            assert path.read_bytes() == BYTES[0]
            assert len(writer) == writer.appended == 1
        disk.room = 10**9
        writer.append(PACKETS[1])
        assert path.read_bytes() == WHOLE[: ENDS[1]]
        # What cannot even be taken back is not written behind.
        disk.room, disk.keeps = 9, True
        with pytest.raises(OSError, match="no space"):
            writer.append(PACKETS[2])
        disk.room = 10**9
        with pytest.raises(errors.TruncatedPacketError) as caught:
            writer.append(PACKETS[2])
        assert (caught.value.id, caught.value.offset) == ("stream.torn", ENDS[1])
        disk.keeps = False
        real.close()
    with StreamWriter(path) as writer:
        assert writer.cut_bytes == 9
        writer.append(PACKETS[2])
    assert path.read_bytes() == WHOLE[: ENDS[2]]


@pytest.mark.parametrize(
    ("fsync", "syncs"), [("never", [0, 0]), ("close", [0, 1]), ("always", [2, 3])]
)
def test_the_disk_is_waited_for_when_that_is_asked_for(
    whole: Path, fsync: Any, syncs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr("latentwire.stream.os.fsync", calls.append)
    with StreamWriter(whole, fsync=fsync) as writer:
        writer.append(PACKETS[0])
        writer.append(bytearray(BYTES[1]))
        assert len(calls) == syncs[0]
    assert len(calls) == syncs[1]
    writer.close()
    assert len(calls) == syncs[1]


def test_a_new_file_is_named_on_the_disk_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr("latentwire.stream.os.fsync", calls.append)
    StreamWriter(path).close()
    assert len(calls) == 2
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("data", "id_"),
    [
        (b"", "packet.truncated"),
        (BYTES[0][:-1], "packet.truncated"),
        (BYTES[0] + BYTES[1], "packet.trailing_bytes"),
        (flipped(BYTES[0], 30), "checksum.mismatch"),
        (b"some text in its place", "preamble.magic"),
    ],
)
def test_what_is_not_one_packet_is_not_appended(whole: Path, data: bytes, id_: str) -> None:
    with StreamWriter(whole) as writer:
        with pytest.raises(errors.WireError) as caught:
            writer.append(data)
        assert caught.value.id == id_
        with pytest.raises(TypeError):
            writer.append(3)  # type: ignore[arg-type]
        assert len(writer) == 4
        assert writer.append(memoryview(HIDDEN)) == 4
    assert whole.read_bytes() == WHOLE + HIDDEN


def test_a_second_writer_is_refused_and_cuts_nothing(path: Path) -> None:
    pytest.importorskip("fcntl")
    first = StreamWriter(path)
    first.append(PACKETS[0])
    with path.open("ab") as file:
        file.write(BYTES[1][:9])  # the first one is in the middle of a packet
    with pytest.raises(errors.StreamLockedError, match=r"latents\.lwp") as caught:
        StreamWriter(path)
    assert caught.value.hint
    assert path.read_bytes() == BYTES[0] + BYTES[1][:9]
    first.close()
    with StreamWriter(path) as second:
        assert second.cut_bytes == 9


# --- The index -----------------------------------------------------------------------------------


def test_the_index_is_saved_and_taken_again(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_stream(whole).close()
    saved = index_path(whole)
    assert saved.name == "latents.lwp.idx"
    assert {entry.name for entry in whole.parent.iterdir()} == {whole.name, saved.name}
    written = saved.read_bytes()
    with StreamWriter(whole) as writer:
        writer.append(PACKETS[0])
    assert saved.read_bytes() != written
    monkeypatch.setattr("latentwire.stream._save", lambda *_: pytest.fail("saved again"))
    with open_stream(whole) as stream:
        assert len(stream) == 5


def test_no_index_is_written_unasked(whole: Path) -> None:
    open_stream(whole, save_index=False).close()
    StreamWriter(whole, save_index=False).close()
    assert list(whole.parent.iterdir()) == [whole]


def test_a_folder_that_cannot_be_written_to_is_no_failure(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with open_stream(whole) as stream:
        assert len(stream) == 4
    assert list(whole.parent.iterdir()) == [whole]


def shorter(path: Path) -> list[Packet]:
    path.write_bytes(WHOLE[: ENDS[1]])
    return PACKETS[:2]


def another(path: Path) -> list[Packet]:
    path.write_bytes(b"".join(BYTES[::-1]))
    return PACKETS[::-1]


def empty(path: Path) -> list[Packet]:
    path.write_bytes(b"")
    return []


def longer(path: Path) -> list[Packet]:
    path.write_bytes(WHOLE + BYTES[1] + BYTES[0])
    return [*PACKETS, PACKETS[1], PACKETS[0]]


def damaged_index(path: Path) -> list[Packet]:
    index_path(path).write_bytes(flipped(index_path(path).read_bytes(), 20))
    return PACKETS


def endless_index(path: Path) -> list[Packet]:
    index_path(path).write_bytes(bytes(1 << 20))
    return PACKETS


@pytest.mark.parametrize("change", [shorter, another, empty, longer, damaged_index, endless_index])
def test_a_stale_index_is_noticed_and_made_again(
    whole: Path, change: Callable[[Path], list[Packet]]
) -> None:
    open_stream(whole).close()
    expected = change(whole)
    with open_stream(whole) as stream:
        assert list(stream) == expected
    made = index_path(whole).read_bytes()
    index_path(whole).unlink()
    open_stream(whole).close()
    assert made == index_path(whole).read_bytes()


def test_a_file_that_changes_while_it_is_open_is_noticed_at_the_latest_when_it_is_read(
    whole: Path,
) -> None:
    with open_stream(whole) as stream:
        other = bytes(packet(99, 1))
        assert len(other) == len(BYTES[1])
        whole.write_bytes(BYTES[0] + other + BYTES[2] + BYTES[3])
        assert stream[0] == PACKETS[0]
        with pytest.raises(errors.StreamIndexError) as caught:
            stream[1]
        assert (caught.value.id, caught.value.offset) == ("index.stale", ENDS[0])
        assert caught.value.hint
        with pytest.raises(errors.StreamIndexError):
            stream.check()
        whole.write_bytes(flipped(WHOLE, ENDS[0] + 60))
        with pytest.raises(errors.ChecksumError):
            stream[1]
        whole.write_bytes(WHOLE[: ENDS[2] - 1])
        with pytest.raises(errors.TruncatedPacketError):
            stream[2]
        with pytest.raises(errors.StreamIndexError):
            stream[3]


def test_a_reader_takes_in_what_a_writer_appends(path: Path) -> None:
    with StreamWriter(path) as writer:
        stream = open_stream(path, save_index=False)
        for number, one in enumerate(PACKETS, 1):
            writer.append(one)
            assert len(stream) == number - 1
            assert stream.refresh() == number
            assert list(stream) == PACKETS[:number]
    # Another file of the same name.
    path.unlink()
    path.write_bytes(BYTES[2])
    assert stream.refresh() == 1
    assert list(stream) == [PACKETS[2]]
    path.unlink()
    with pytest.raises(FileNotFoundError):
        stream.refresh()
    assert stream[0] == PACKETS[2]
    stream.close()


# --- Pipes ---------------------------------------------------------------------------------------


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


def test_threads_may_share_a_writer(tmp_path: Path) -> None:
    """The index must have the packets in the order of the file, or it is that of no stream."""
    path, each = tmp_path / "s.lwp", 200
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with StreamWriter(path, fsync="never") as writer, ThreadPoolExecutor(6) as pool:
            appended = [pool.submit(writer.append, one) for one in PACKETS * each]
            while not all(one.done() for one in appended):
                assert len(writer) <= len(appended)  # which may be asked meanwhile
            for one in appended:
                one.result()
    finally:
        sys.setswitchinterval(interval)
    with open_stream(path) as stream:
        assert len(stream) == each * len(PACKETS)
        assert {bytes(one) for one in stream} == set(BYTES)


def test_a_stale_index_is_not_taken_a_second_time(tmp_path: Path) -> None:
    path = tmp_path / "s.lwp"
    for first in (BYTES[0], BYTES[1]):
        path.write_bytes(first + BYTES[3] * 2)
        open_stream(path).close()
        if first == BYTES[0]:
            saved = index_path(path).read_bytes()
    swapped = BYTES[3] + BYTES[0] + BYTES[3]  # the last packet lies where the index says
    path.write_bytes(swapped)
    index_path(path).write_bytes(saved)
    with open_stream(path) as stream:
        with pytest.raises(errors.StreamIndexError):
            stream[0]
        assert stream.refresh() == 3
        assert stream[0] == PACKETS[3]
    with open_stream(path) as stream:
        assert [bytes(one) for one in stream] == [BYTES[3], BYTES[0], BYTES[3]]


def test_a_writer_takes_no_packet_that_it_could_not_open_the_stream_by(tmp_path: Path) -> None:
    limits = Limits(total_bytes=len(BYTES[1]))
    with StreamWriter(tmp_path / "s.lwp", limits=limits) as writer:
        writer.append(BYTES[1])
        with pytest.raises(errors.LimitExceededError, match="found"):
            writer.append(BYTES[2])
        assert len(writer) == 1
    with StreamWriter(tmp_path / "s.lwp", limits=limits) as writer:
        assert len(writer) == 1
