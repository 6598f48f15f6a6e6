"""Appending: full disks, syncs, what is refused, two writers, several threads."""

from __future__ import annotations

import errno
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from latentwire import errors
from latentwire.message import Limits
from latentwire.stream import (
    StreamWriter,
    open_stream,
)
from stream_packets import BYTES, ENDS, HIDDEN, PACKETS, WHOLE, flipped


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
    monkeypatch.setattr("latentwire.stream.writer.os.fsync", calls.append)
    with StreamWriter(whole, fsync=fsync) as writer:
        writer.append(PACKETS[0])
        writer.append(bytearray(BYTES[1]))
        assert len(calls) == syncs[0]
    assert len(calls) == syncs[1]
    writer.close()
    assert len(calls) == syncs[1]


def test_a_new_file_is_named_on_the_disk_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr("latentwire.stream.writer.os.fsync", calls.append)
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


def test_a_writer_takes_no_packet_that_it_could_not_open_the_stream_by(tmp_path: Path) -> None:
    limits = Limits(total_bytes=len(BYTES[1]))
    with StreamWriter(tmp_path / "s.lwp", limits=limits) as writer:
        writer.append(BYTES[1])
        with pytest.raises(errors.LimitExceededError, match="found"):
            writer.append(BYTES[2])
        assert len(writer) == 1
    with StreamWriter(tmp_path / "s.lwp", limits=limits) as writer:
        assert len(writer) == 1
