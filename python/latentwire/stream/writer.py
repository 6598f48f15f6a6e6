"""Appending packets to a file, so that a crash or a full disk loses none that was whole."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from latentwire.errors import (
    LimitExceededError,
    TruncatedPacketError,
    UnsupportedVersionError,
)
from latentwire.message import DEFAULT_LIMITS, Limits, Packet
from latentwire.stream.damage import Damage
from latentwire.stream.file import keep_others_away, sync_folder, write_all
from latentwire.stream.index import current_index, save_index_file, scanned_index

Fsync = Literal["never", "close", "always"]
"""When a writer waits for the disk."""
Repair = Literal["never", "torn", "damaged"]
"""What a writer may cut off the end of a stream before it appends."""


class StreamWriter:
    """Appends packets to a file, which is made if there is none. A context manager.

    Every packet is written at once and whole. If that fails, what was written of it is taken back
    before the error is raised. If the process dies, the stream ends in a torn packet, which the
    next writer cuts off. A second writer of the same file is refused, where the system can lock
    files; threads may share one.

    Args:
        path: The file.
        fsync: When to wait for the disk: after every packet, when the writer is closed, or never.
            What was waited for outlives a loss of power.
        repair: What may be cut off the end before anything is appended: nothing, a torn packet, or
            all that is damaged there. Never what precedes a sound packet, and never packets beyond
            ``limits`` or of a later version.
        limits: What reading the stream may take, to find its end; no packet may be longer.
        save_index: Whether to write the index beside the file on closing.

    Raises:
        StreamLockedError: If another writer has the file open.
        TruncatedPacketError: If the stream ends in a torn packet and ``repair`` is ``"never"``.
        WireError: If what follows the last sound packet must not be cut off.
        OSError: If the file cannot be opened, read or cut.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fsync: Fsync = "close",
        repair: Repair = "torn",
        limits: Limits = DEFAULT_LIMITS,
        save_index: bool = True,
    ) -> None:
        self._path = Path(path)
        self._fsync = fsync
        self._save_index = save_index
        self._torn = False
        self._cut_bytes = 0
        self._appended = 0
        self._limits = limits
        self._lock = threading.Lock()
        is_new = not self._path.exists()
        self._file = self._path.open("ab+", buffering=0)
        try:
            keep_others_away(self._file, self._path)
            self._index, tail = current_index(self._path, self._file, limits, save=False)
            if tail is not None:
                # Nothing is cut on the word of a file that may be deleted and replaced.
                self._index, tail = scanned_index(self._file, limits)
            if tail is not None:
                self._cut(tail, repair)
            self._found = len(self._index)
            if is_new and fsync != "never":
                sync_folder(self._path.parent)
        except BaseException:
            self._file.close()
            raise

    def _cut(self, tail: Damage, repair: Repair) -> None:
        kept_for_others = isinstance(tail.error, (LimitExceededError, UnsupportedVersionError))
        if repair == "never" or kept_for_others or not (tail.torn or repair == "damaged"):
            raise tail.error
        self._file.truncate(tail.offset)
        if self._fsync != "never":
            os.fsync(self._file.fileno())
        self._cut_bytes = tail.length

    def append(self, packet: Packet | bytes | bytearray | memoryview) -> int:
        """Append one packet.

        Returns:
            Its number in the stream.

        Raises:
            WireError: If the bytes are not exactly one packet, or more than ``limits`` allow, since
                nobody could open the stream by them. Nothing has been written.
            OSError: If it cannot be written; the stream is as it was. Or if waiting for the disk
                failed: then the packet is in the stream, but may not outlive a loss of power.
            TruncatedPacketError: If an earlier packet could neither be written nor taken back.
        """
        data = bytes(packet) if isinstance(packet, Packet) else bytes(memoryview(packet))
        if len(data) > self._limits.total_bytes:
            raise LimitExceededError(
                f"expected a packet of at most {self._limits.total_bytes} bytes, found {len(data)}",
                id="limit.total_bytes",
                hint="open the stream with larger Limits, here and where it is read",
            )
        with self._lock:  # the order of the index is that of the file
            return self._append(data)

    def _append(self, data: bytes) -> int:
        number, end = len(self._index), self._index.end
        if self._torn:
            raise TruncatedPacketError(
                f"an earlier write left part of a packet at byte {end} of the stream",
                id="stream.torn",
                offset=end,
                hint="close this writer and open another one: it cuts the part off",
            )
        self._index.push(data)  # refuses what is no packet
        try:
            write_all(self._file, data)
        except BaseException:
            self._index.truncate(number)
            self._torn = True
            with contextlib.suppress(OSError, ValueError):
                self._file.truncate(end)
                self._torn = False
            raise
        self._appended += 1
        if self._fsync == "always":
            os.fsync(self._file.fileno())
        return number

    @property
    def cut_bytes(self) -> int:
        """Bytes that were cut off the end of the stream when it was opened."""
        return self._cut_bytes

    @property
    def appended(self) -> int:
        """Packets that this writer has appended."""
        return self._appended

    def __len__(self) -> int:
        """Packets in the stream."""
        return self._found + self._appended  # the index is the appending thread's

    def sync(self) -> None:
        """Wait until all that was appended is on the disk.

        Raises:
            OSError: If the system cannot promise that.
        """
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Wait for the disk unless ``fsync`` is ``"never"``, write the index, close the file.

        Raises:
            OSError: If waiting for the disk failed. The file is closed all the same.
        """
        with self._lock:
            if self._file.closed:
                return
            try:
                if self._fsync != "never":
                    self.sync()
                if self._save_index:
                    save_index_file(self._index, self._path)
            finally:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<StreamWriter {str(self._path)!r}: {len(self)} packets>"
