"""Reading a file at any place, writing it whole, and keeping it to one writer."""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path
from typing import Any

from latentwire.errors import StreamLockedError

fcntl: Any
try:
    import fcntl
except ImportError:  # not on Windows, where nothing keeps two writers apart
    fcntl = None


def read_at(file: FileIO, offset: int, length: int) -> bytes:
    """Bytes of a file; fewer if it ends before."""
    parts = []
    while length > 0 and (part := _pread(file, length, offset)):
        parts.append(part)
        offset += len(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


if hasattr(os, "pread"):

    def _pread(file: FileIO, length: int, offset: int) -> bytes:
        return os.pread(file.fileno(), length, offset)

else:  # Windows: another open file has another position

    def _pread(file: FileIO, length: int, offset: int) -> bytes:
        with FileIO(file.name) as own:
            own.seek(offset)
            return own.read(length)


def write_all(file: FileIO, data: bytes) -> None:
    """Write until all is written: the system may take less at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def keep_others_away(file: FileIO, path: Path) -> None:
    """Keep other writers away until the file is closed.

    Raises:
        StreamLockedError: If one is there.
    """
    if fcntl is None:
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StreamLockedError(
            f"another writer has {path} open",
            hint="a stream has one writer at a time: close the other one, or write another file",
        ) from None


def sync_folder(folder: Path) -> None:
    """Wait until the name of a new file is on the disk."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
