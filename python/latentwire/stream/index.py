"""The index of a stream: the file beside it that says where its packets are."""

from __future__ import annotations

import contextlib
import os
import secrets
from io import FileIO
from pathlib import Path

from latentwire import _native
from latentwire.errors import StreamIndexError
from latentwire.message import Limits
from latentwire.stream.damage import Damage, damage_of


def index_path(path: str | os.PathLike[str]) -> Path:
    """Where the index of a stream lies: ``.idx`` is appended to its name."""
    given = Path(path)
    return given.with_name(given.name + ".idx")


def current_index(
    path: Path,
    file: FileIO,
    limits: Limits,
    *,
    save: bool,
    known: _native.StreamIndex | None = None,
) -> tuple[_native.StreamIndex, Damage | None]:
    """The index of a stream: the one that is known or saved, brought up to date, or a new one."""
    try:
        old = _load(path, file) if known is None else known
        old.check(file, False)
    except (StreamIndexError, OSError):
        old = _native.StreamIndex()
    file.seek(old.end)
    index, damage = old.extended(file, limits._tuple())
    if save and (len(index) != len(old) or len(index) == 0):
        save_index_file(index, path)
    return index, None if damage is None else damage_of(damage)


def scanned_index(file: FileIO, limits: Limits) -> tuple[_native.StreamIndex, Damage | None]:
    """The index of a stream, made from its packets alone."""
    file.seek(0)
    index, damage = _native.StreamIndex().extended(file, limits._tuple())
    return index, None if damage is None else damage_of(damage)


def _load(path: Path, file: FileIO) -> _native.StreamIndex:
    most = _native.StreamIndex.max_bytes(os.fstat(file.fileno()).st_size)
    with index_path(path).open("rb") as saved:
        return _native.StreamIndex.from_bytes(saved.read(most + 1))


def save_index_file(index: _native.StreamIndex, path: Path) -> None:
    """Write the index beside its stream, whole or not at all: it can always be made again."""
    target = index_path(path)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(8)}.partial")
    try:
        partial.write_bytes(index.to_bytes())
        partial.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
