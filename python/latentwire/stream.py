"""Streams of packets: files (``.lwp``) that are appended to safely and read at random, and pipes.

    with StreamWriter("latents.lwp") as writer:
        for packet in packets:
            writer.append(packet)

    with open_stream("latents.lwp") as stream:
        print(len(stream), stream[17].decode().latents)

    for packet in read_stream(sys.stdin.buffer):
        ...

A stream is packets end to end with nothing between, so ``cat a.lwp b.lwp`` is a stream and one
packet is a stream of one. A crash while writing leaves a torn packet at the end, which the next
``StreamWriter`` cuts off: what was whole is never lost. Offsets in errors of this module count from
the start of the stream.

Beside ``latents.lwp`` lies ``latents.lwp.idx``, where every packet is. It is a cache: made from the
stream where it is missing or stale, and safe to delete.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, overload

from latentwire import _native
from latentwire.errors import (
    LimitExceededError,
    StreamIndexError,
    StreamLockedError,
    TruncatedPacketError,
    UnsupportedVersionError,
    WireError,
)
from latentwire.message import DEFAULT_LIMITS, Limits, Packet

fcntl: Any
try:
    import fcntl
except ImportError:  # not on Windows, where nothing keeps two writers apart
    fcntl = None

__all__ = [
    "Damage",
    "PacketStream",
    "StreamWriter",
    "index_path",
    "open_stream",
    "read_stream",
]

Fsync = Literal["never", "close", "always"]
"""When a writer waits for the disk."""
Repair = Literal["never", "torn", "damaged"]
"""What a writer may cut off the end of a stream before it appends."""

_NativeDamage = tuple[int, int, bool, WireError]


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a stream that are not part of a sound packet.

    Attributes:
        offset: The first of them.
        length: How many.
        torn: Whether the stream simply ends inside the packet that begins there, as after a crash.
        error: What is wrong at the first of them.
    """

    offset: int
    length: int
    torn: bool
    error: WireError


def index_path(path: str | os.PathLike[str]) -> Path:
    """Where the index of a stream lies: ``.idx`` is appended to its name."""
    given = Path(path)
    return given.with_name(given.name + ".idx")


def read_stream(
    source: BinaryIO,
    *,
    limits: Limits = DEFAULT_LIMITS,
    on_damage: Callable[[Damage], object] | None = None,
) -> Iterator[Packet]:
    """Packets one by one from a binary file, a pipe, a socket's file or a decompressor.

    A packet is given as soon as its last byte has arrived. More than one may be read ahead.

    Args:
        source: Anything with ``read1`` or ``read``, at the beginning of a packet.
        limits: What one packet may take.
        on_damage: Called with what is damaged; reading goes on with the next sound packet. A packet
            that arrived whole but cannot be read is reported so too. Without it, the first damage
            is raised.

    Raises:
        TruncatedPacketError: If the stream ends inside a packet.
        WireError: If something in it is no packet or cannot be read; the subclass says why.
        OSError: What ``source`` raises. Reading cannot go on after it.
    """
    reader = _native.PacketReader(source, limits._tuple(), on_damage is not None)
    while (part := reader.next_part()) is not None:
        offset, data, damage = part
        if data is None:
            if on_damage is not None and damage is not None:
                on_damage(_damage(damage))
            continue
        try:
            packet = Packet.from_bytes(data, limits)
        except WireError as error:
            placed = _placed(error, offset)
            if on_damage is None:
                raise placed from None
            on_damage(Damage(offset, len(data), torn=False, error=placed))
        else:
            yield packet


def open_stream(
    path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS, save_index: bool = True
) -> PacketStream:
    """Open a file of packets for reading at random.

    Its index is taken if it is that of the file, extended if packets were appended, and made anew
    from the packets otherwise. Damaged packets are left out, see ``PacketStream.gaps``.

    Args:
        path: The file. Appending to it meanwhile does no harm, see ``PacketStream.refresh``.
        limits: What one packet may take. Packets beyond are left out where the index is made, and
            refused when they are read where it knows them.
        save_index: Whether to write an index that was made or extended beside the file. If the
            folder cannot be written to, none is written.

    Raises:
        OSError: If the file cannot be opened or read.
    """
    return PacketStream(path, limits=limits, save_index=save_index)


class PacketStream(Sequence[Packet]):
    """The packets of a file, by number. Made by ``open_stream``.

    Numbers count the sound packets. Reading changes no position, so threads may share a stream, and
    it can be pickled: each process opens the file again.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        limits: Limits = DEFAULT_LIMITS,
        save_index: bool = True,
    ) -> None:
        self._path = Path(path)
        self._limits = limits
        self._save_index = save_index
        self._file = FileIO(self._path)
        self._is_stale = False
        try:
            self._index, self._tail = _indexed(self._path, self._file, limits, save=save_index)
        except BaseException:
            self._file.close()
            raise

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def __len__(self) -> int:
        return len(self._index)

    @overload
    def __getitem__(self, number: int) -> Packet: ...
    @overload
    def __getitem__(self, number: slice) -> list[Packet]: ...
    def __getitem__(self, number: int | slice) -> Packet | list[Packet]:
        """Read a packet, or a list of them.

        Raises:
            IndexError: If there is no such packet.
            StreamIndexError: If the file has changed under the index.
            WireError: If the packet was damaged meanwhile, or cannot be read by this release.
            OSError: If the file cannot be read.
        """
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        data = self.read(number)
        try:
            return Packet.from_bytes(data, self._limits)
        except WireError as error:
            raise _placed(error, self.place(number)[0]) from None

    def __iter__(self) -> Iterator[Packet]:
        return (self[number] for number in range(len(self)))

    def read(self, number: int) -> bytes:
        """The bytes of a packet, of whatever profile: checked to be whole, not looked into.

        Raises:
            IndexError, StreamIndexError, WireError, OSError: See ``__getitem__``.
        """
        number = self._number(number)
        offset, length = self._index.place(number)
        if length > self._limits.total_bytes:
            raise LimitExceededError(
                f"packet at byte {offset} of the stream: expected at most "
                f"{self._limits.total_bytes} bytes, found {length}",
                id="limit.total_bytes",
                offset=offset,
                hint="pass larger Limits if you trust where the packet is from",
            )
        data = _read_at(self._file, offset, length)
        try:
            self._index.check_packet(number, data, self._limits._tuple())
        except StreamIndexError:
            # Whoever opens the stream again, as the error says, shall not be given it once more.
            self._is_stale = True
            with contextlib.suppress(OSError):
                index_path(self._path).unlink(missing_ok=True)
            raise
        return data

    def place(self, number: int) -> tuple[int, int]:
        """Offset and length of a packet in the file.

        Raises:
            IndexError: If there is no such packet.
        """
        return self._index.place(self._number(number))

    def message_id(self, number: int) -> bytes | int | None:
        """The message id of a packet, from the index alone.

        Returns:
            16 bytes; the number of a compact packet; None if its profile shows none.

        Raises:
            IndexError: If there is no such packet.
        """
        return self._index.message_id(self._number(number))

    def find(self, message_id: bytes | int, start: int = 0) -> int:
        """The number of the first packet, from ``start`` on, with this message id.

        Raises:
            KeyError: If there is none.
        """
        number = self._index.find(message_id, start)
        if number is None:
            shown = message_id.hex() if isinstance(message_id, bytes) else message_id
            raise KeyError(f"no packet from number {start} on has the message id {shown}")
        return number

    @property
    def gaps(self) -> tuple[range, ...]:
        """Bytes before and between the packets, which are no sound packet: none if all is well."""
        return tuple(range(start, stop) for start, stop in self._index.gaps)

    @property
    def tail(self) -> Damage | None:
        """What follows the last packet: a torn one after a crash, or one that is being written."""
        return self._tail

    def check(self) -> None:
        """Check that every packet of the index lies in the file as it says, without reading them.

        Raises:
            StreamIndexError: If one does not.
            OSError: If the file cannot be read.
        """
        self._index.check(self._file, True)

    def refresh(self) -> int:
        """Take in what was appended since the stream was opened.

        Returns:
            How many packets there are now.

        Raises:
            OSError: If the file cannot be opened or read.
        """
        # A file of this name may have taken the place of the one that is open.
        file = FileIO(self._path)
        try:
            index, tail = _indexed(
                self._path,
                file,
                self._limits,
                save=self._save_index,
                known=_native.StreamIndex() if self._is_stale else self._index,
            )
        except BaseException:
            file.close()
            raise
        former = self._file
        if os.path.samestat(os.fstat(former.fileno()), os.fstat(file.fileno())):
            file, former = former, file  # other threads may be reading from it
        self._file, self._index, self._tail, self._is_stale = file, index, tail, False
        former.close()
        return len(self)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _number(self, number: int) -> int:
        size = len(self)
        if not -size <= number < size:
            raise IndexError(f"the stream has {size} packets, and no packet {number}")
        return number % size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return (_reopen, (self._path, self._limits, self._save_index))

    def __repr__(self) -> str:
        return f"<PacketStream {str(self._path)!r}: {len(self)} packets>"


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
            _lock(self._file, self._path)
            self._index, tail = _indexed(self._path, self._file, limits, save=False)
            if tail is not None:
                # Nothing is cut on the word of a file that may be deleted and replaced.
                self._index, tail = _scanned(self._file, limits)
            if tail is not None:
                self._cut(tail, repair)
            self._found = len(self._index)
            if is_new and fsync != "never":
                _sync_folder(self._path.parent)
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
            _write_all(self._file, data)
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
                    _save(self._index, self._path)
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


def _reopen(path: Path, limits: Limits, save_index: bool) -> PacketStream:
    return PacketStream(path, limits=limits, save_index=save_index)


def _damage(native: _NativeDamage) -> Damage:
    start, stop, torn, error = native
    return Damage(start, stop - start, torn, error)


def _placed(error: WireError, start: int) -> WireError:
    """The error of a packet as one of its stream."""
    text = f"packet at byte {start} of the stream: {error}"
    offset = start + (error.offset or 0)
    return type(error)(text, id=error.id, offset=offset, hint=error.hint)


# --- The index -----------------------------------------------------------------------------------


def _indexed(
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
        _save(index, path)
    return index, None if damage is None else _damage(damage)


def _scanned(file: FileIO, limits: Limits) -> tuple[_native.StreamIndex, Damage | None]:
    """The index of a stream, made from its packets alone."""
    file.seek(0)
    index, damage = _native.StreamIndex().extended(file, limits._tuple())
    return index, None if damage is None else _damage(damage)


def _load(path: Path, file: FileIO) -> _native.StreamIndex:
    most = _native.StreamIndex.max_bytes(os.fstat(file.fileno()).st_size)
    with index_path(path).open("rb") as saved:
        return _native.StreamIndex.from_bytes(saved.read(most + 1))


def _save(index: _native.StreamIndex, path: Path) -> None:
    """Write the index beside its stream, whole or not at all: it can always be made again."""
    target = index_path(path)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(8)}.partial")
    try:
        partial.write_bytes(index.to_bytes())
        partial.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


# --- The file ------------------------------------------------------------------------------------


def _read_at(file: FileIO, offset: int, length: int) -> bytes:
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


def _write_all(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _lock(file: FileIO, path: Path) -> None:
    """Keep other writers away until the file is closed."""
    if fcntl is None:
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StreamLockedError(
            f"another writer has {path} open",
            hint="a stream has one writer at a time: close the other one, or write another file",
        ) from None


def _sync_folder(folder: Path) -> None:
    """Wait until the name of a new file is on the disk."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
