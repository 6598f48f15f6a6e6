"""Files that are whole or not there, even if the process is killed or the disk is full."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from latentwire.errors import DiskFullError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
PARTIAL_FOLDER = ".partial"
"""Name of the folder that ``whole_files`` has files written in; one is left by a killed process."""


@contextmanager
def room_for(path: Path, size: int | None = None) -> Iterator[None]:
    """Say so, by its name, if what is done within finds no room for a file or a folder.

    Raises:
        DiskFullError: If there is no room.
    """
    try:
        yield
    except Exception as error:
        if is_full(error):
            raise disk_full(path, size) from error
        raise


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A place to write a file at, which takes the name ``path`` once it is on the disk.

    The old file stays until then, and stays altogether if writing fails.

    Raises:
        DiskFullError: If there is no room.
    """
    partial = path.with_name(f"{path.name}.partial")
    with room_for(path):
        try:
            yield partial
            _to_disk(partial)
            partial.replace(path)
            _to_disk(path.parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


@contextmanager
def whole_files(folder: Path, *, last: str) -> Iterator[Path]:
    """A folder to write files in that belong together, which then move to ``folder``.

    The old files stay until all new ones are on the disk, and stay altogether if writing fails.

    Args:
        folder: Where they belong; made if it is not there.
        last: The file that moves last. If the process dies among the moves, the old one is left.

    Raises:
        DiskFullError: If there is no room.
    """
    partial = folder / PARTIAL_FOLDER
    with room_for(folder):
        try:
            shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
            partial.mkdir(parents=True)
            yield partial
            written = [path.relative_to(partial) for path in partial.rglob("*") if path.is_file()]
            for name in written:
                _to_disk(partial / name)
                (folder / name.parent).mkdir(parents=True, exist_ok=True)
            for name in sorted(written, key=lambda name: name == Path(last)):
                (partial / name).replace(folder / name)
                _to_disk((folder / name).parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file; see ``whole_file``."""
    with whole_file(path) as partial:
        partial.write_text(text)


def whole_lines(path: Path) -> list[str]:
    """Every whole line of a file that lines are appended to; none if there is no file.

    A last line that was cut off, where a process was killed while it wrote, is taken off the file.
    """
    if not path.is_file():
        return []
    text = path.read_text()
    whole, _, torn = text.rpartition("\n")
    if torn:
        path.write_text(whole + "\n" if whole else "")
    return whole.splitlines()


def reserve(path: Path, size: int) -> None:
    """Make a file of a size, with all its room on the disk taken at once.

    Raises:
        DiskFullError: If there is no room.
    """
    with room_for(path, size), path.open("wb") as file:
        if size and hasattr(os, "posix_fallocate"):  # not on every system
            os.posix_fallocate(file.fileno(), 0, size)
        file.truncate(size)


def is_full(error: BaseException) -> bool:
    """Whether a write failed for want of room; of safetensors only the text says so."""
    if isinstance(error, DiskFullError):
        return True  # of a file within the folder that is written
    if isinstance(error, OSError):
        return error.errno in _FULL
    return any(f"os error {number}" in str(error) for number in _FULL)


def disk_full(path: Path, size: int | None = None) -> DiskFullError:
    """The error for a file that found no room."""
    wanted = "" if size is None else f"{size:,} bytes of "
    return DiskFullError(
        f"no room on the disk for {wanted}{path}; what was there before is still whole",
        hint="make room and start the same command again: the run goes on from its last state",
    )


def _to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
