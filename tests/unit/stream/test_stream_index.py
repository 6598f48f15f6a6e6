"""Indexes that are saved, stale, torn, or of another stream."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from latentwire import errors
from latentwire.message import Packet
from latentwire.stream import (
    StreamWriter,
    index_path,
    open_stream,
)
from stream_packets import BYTES, ENDS, PACKETS, WHOLE, flipped, packet


def test_the_index_is_saved_and_taken_again(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_stream(whole).close()
    saved = index_path(whole)
    assert saved.name == "latents.lwp.idx"
    assert {entry.name for entry in whole.parent.iterdir()} == {whole.name, saved.name}
    written = saved.read_bytes()
    with StreamWriter(whole) as writer:
        writer.append(PACKETS[0])
    assert saved.read_bytes() != written
    monkeypatch.setattr(
        "latentwire.stream.index.save_index_file", lambda *_: pytest.fail("saved again")
    )
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
