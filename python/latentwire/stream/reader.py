"""The packets of a file, by number."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import Any, Self, overload

from latentwire import _native
from latentwire.errors import LimitExceededError, StreamIndexError, WireError
from latentwire.message import DEFAULT_LIMITS, Limits, Packet
from latentwire.stream.damage import Damage, placed_in_stream
from latentwire.stream.file import read_at
from latentwire.stream.index import current_index, index_path


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
            self._index, self._tail = current_index(self._path, self._file, limits, save=save_index)
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
            raise placed_in_stream(error, self.place(number)[0]) from None

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
        data = read_at(self._file, offset, length)
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
            index, tail = current_index(
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


def _reopen(path: Path, limits: Limits, save_index: bool) -> PacketStream:
    return PacketStream(path, limits=limits, save_index=save_index)
