"""Streams of packets and their indexes through the Python package."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from latentwire import _native
from latentwire.errors import WireError
from latentwire.message import DEFAULT_LIMITS
from latentwire.stream import index_path, open_stream
from manifests import check_finding, named, vectors

LIMITS = DEFAULT_LIMITS._tuple()


@pytest.mark.parametrize(("folder", "vector"), vectors("streams"))
def test_streams_have_the_parts_that_the_manifest_says(folder: Path, vector: Any) -> None:
    stream = (folder / vector["file"]).read_bytes()
    reader = _native.PacketReader(io.BytesIO(stream), LIMITS, True)
    for wanted in vector["parts"]:
        part = reader.next_part()
        assert part is not None
        begin, packet, damage = part
        assert begin == wanted["begin"]
        if damage is None:
            assert wanted["damage"] is None
            assert packet == stream[begin : wanted["end"]]
            continue
        _, end, torn, error = damage
        assert (end, torn) == (wanted["end"], wanted["damage"]["torn"])
        # The stream's reader counts from its beginning, the manifest from that of the damage.
        assert (error.id, error.offset) == (
            wanted["damage"]["error"],
            begin + wanted["damage"]["offset"],
        )
    assert reader.next_part() is None


@pytest.mark.parametrize(("folder", "vector"), vectors("streams"))
def test_streams_get_the_index_of_the_manifest(folder: Path, vector: Any, tmp_path: Path) -> None:
    path = tmp_path / "stream.lwp"
    shutil.copyfile(folder / vector["file"], path)
    packets = [part for part in vector["parts"] if part["damage"] is None]
    with open_stream(path) as stream:
        places = [
            (begin, begin + length) for begin, length in map(stream.place, range(len(stream)))
        ]
        assert places == [(part["begin"], part["end"]) for part in packets]
        last = vector["parts"][-1]["damage"] if vector["parts"] else None
        assert (stream.tail is not None) == (last is not None)
    assert index_path(path).read_bytes() == (folder / vector["index"]).read_bytes()


def use(index: bytes, stream: bytes) -> bytes:
    """Take an index up, read every packet by it, and extend it by those that follow."""
    made = _native.StreamIndex.from_bytes(index)
    made.check(io.BytesIO(stream), False)
    for number in range(len(made)):
        offset, length = made.place(number)
        made.check_packet(number, stream[offset : offset + length], LIMITS)
    rest = io.BytesIO(stream)
    rest.seek(made.end)
    return made.extended(rest, LIMITS)[0].to_bytes()


@pytest.mark.parametrize(("folder", "vector"), vectors("indexes"))
def test_indexes_are_used_or_refused_as_the_manifest_says(folder: Path, vector: Any) -> None:
    index, stream = ((folder / vector[what]).read_bytes() for what in ("file", "stream"))
    found = None
    try:
        extended = use(index, stream)
    except WireError as error:
        found = error
    else:
        assert extended == (folder / vector["extended"]).read_bytes()
    check_finding(found, vector)


@pytest.mark.parametrize(("folder", "vector"), vectors("indexes"))
def test_no_index_makes_a_reader_take_other_bytes_for_a_packet(
    folder: Path, vector: Any, tmp_path: Path
) -> None:
    path = tmp_path / "stream.lwp"
    shutil.copyfile(folder / vector["stream"], path)
    shutil.copyfile(folder / vector["file"], index_path(path))
    parts = named(folder, "streams", "file", vector["stream"])["parts"]
    packets = [(part["begin"], part["end"]) for part in parts if part["damage"] is None]
    data = path.read_bytes()
    with open_stream(path) as stream:
        assert (len(stream) > 0) == (len(packets) > 0)
        for number in range(len(stream)):
            begin, length = stream.place(number)
            try:
                packet = stream.read(number)
            except WireError as error:
                check_finding(error, vector)
            else:
                assert (begin, begin + length) in packets
                assert packet == data[begin : begin + length]
