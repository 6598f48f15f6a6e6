"""Messages and packets: what one model says to another, and its bytes.

This module knows tensors and bytes; it knows neither models nor the network, and it does not import
torch: a torch tensor is recognized when it comes along.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from latentwire import _native
from latentwire._native import Packet as _NativePacket
from latentwire.errors import InvalidMessageError

__all__ = [
    "FORMAT_VERSION",
    "Compression",
    "Encoding",
    "Limits",
    "Message",
    "ModelRef",
    "Packet",
    "Section",
    "SectionInfo",
    "SpaceRef",
    "__version__",
    "quantize_roundtrip",
]

__version__: str = _native.__version__
FORMAT_VERSION: tuple[int, int] = _native.FORMAT_VERSION
"""Major and minor version of the packet format that this release writes."""

Encoding = Literal["f32", "f16", "bf16", "int8"]
"""How the numbers of a payload are written."""
Compression = Literal["none", "zstd"]
"""The lossless stage over a payload; the smaller of with and without is kept."""

ZSTD_LEVEL = 9
"""Level at which zstd is tried unless another is given."""
FINGERPRINT_BYTES = 16
_TOTAL, _ELEMENTS, _SECTIONS, _DECOMPRESSED = _native.DEFAULT_LIMITS


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """How a header names a model.

    Attributes:
        name: 1 to 255 bytes of UTF-8 without control characters.
        fingerprint: 16 bytes; equal fingerprints mean equal weights of the trained part.
        revision: At most 255 bytes; may be empty.
    """

    name: str
    fingerprint: bytes
    revision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceRef:
    """How a header names a latent space.

    Attributes:
        name: 1 to 255 bytes of UTF-8 without control characters.
        fingerprint: 16 bytes: the fingerprint of the space's manifest.
    """

    name: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a reader is willing to spend on one packet, checked before anything is allocated.

    Attributes:
        total_bytes: The most bytes of a packet.
        elements: The most numbers in its latents.
        sections: The most sections.
        decompressed_bytes: The most bytes of the payload once its lossless stage is undone.
    """

    total_bytes: int = _TOTAL
    elements: int = _ELEMENTS
    sections: int = _SECTIONS
    decompressed_bytes: int = _DECOMPRESSED

    def _tuple(self) -> tuple[int, int, int, int]:
        return (self.total_bytes, self.elements, self.sections, self.decompressed_bytes)


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Section:
    """An ancillary section that this version carries without interpreting it.

    Attributes:
        type: 2 to 8191.
        body: Its bytes.
    """

    type: int
    body: bytes


@dataclass(frozen=True, slots=True)
class SectionInfo:
    """Where a section lies in its packet.

    Attributes:
        type: 1 (latents) to 8191.
        critical: Whether a reader that does not know the type must refuse the packet.
        offset: First byte of its body, from the start of the packet.
        length: Bytes of its body.
    """

    type: int
    critical: bool
    offset: int
    length: int


def new_message_id() -> bytes:
    """16 bytes that sort by time: a UUID of version 7 (RFC 9562)."""
    return _native.message_id(time.time_ns(), int.from_bytes(os.urandom(8)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Message:
    """What one packet says.

    Attributes:
        latents: Float32 array of rank 1 to 4, rows along the last axis. A torch tensor or another
            array is taken too; C-contiguous float32 in main memory is not copied.
        sender: Who speaks.
        space: The latent space of the numbers.
        receiver: Whom it is meant for; None: anyone who hears the space.
        sections: Ancillary sections to carry along.
        message_id: 16 bytes; a new one unless given.
    """

    latents: NDArray[np.float32]
    sender: ModelRef
    space: SpaceRef
    receiver: ModelRef | None = None
    sections: Sequence[Section] = ()
    message_id: bytes = field(default_factory=new_message_id)

    def __post_init__(self) -> None:
        object.__setattr__(self, "latents", _as_float32(self.latents))
        named = {"message id": self.message_id, "sender's fingerprint": self.sender.fingerprint}
        named["space's fingerprint"] = self.space.fingerprint
        if self.receiver is not None:
            named["receiver's fingerprint"] = self.receiver.fingerprint
        for what, value in named.items():
            if len(value) != FINGERPRINT_BYTES:
                raise InvalidMessageError(
                    f"the {what} must have {FINGERPRINT_BYTES} bytes, not {len(value)}",
                    id="message.name",
                )
        for ref in (self.sender, self.space, self.receiver):
            if ref is not None:
                _check_unicode(ref)
        for section in self.sections:
            if not 2 <= section.type <= 8191:
                raise InvalidMessageError(
                    f"a section cannot be written: expected a type from 2 to 8191, "
                    f"found {section.type}",
                    id="message.section",
                )

    def encode(
        self,
        encoding: Encoding = "int8",
        *,
        compression: Compression = "none",
        level: int = ZSTD_LEVEL,
    ) -> Packet:
        """Write the packet. The same message and arguments give the same bytes everywhere.

        Args:
            encoding: How the numbers are written.
            compression: ``zstd`` tries the lossless stage and keeps whichever is smaller.
            level: 1 to 22, for zstd.

        Raises:
            InvalidMessageError: If the message cannot be written: a shape, a name, a number that is
                not finite or too large for the encoding, an unknown encoding or level.
        """
        _check_encoding(encoding)
        if compression not in ("none", "zstd"):
            raise InvalidMessageError(
                f"there is no compression {compression!r}: expected none or zstd",
                id="message.stage",
            )
        data = _native.encode(
            self.latents,
            message_id=self.message_id,
            sender=_model_tuple(self.sender),
            receiver=None if self.receiver is None else _model_tuple(self.receiver),
            space=(self.space.fingerprint, self.space.name),
            sections=[(section.type, section.body) for section in self.sections],
            encoding=encoding,
            level=level if compression == "zstd" else None,
        )
        # What was just written is as large as it is: the default limits are for strangers.
        own_size = Limits(
            total_bytes=len(data), elements=self.latents.size, sections=1 + len(self.sections)
        )
        return Packet.from_bytes(data, own_size)


class Packet:
    """The bytes of one message, verified: preamble, checksum, header and section frames.

    The latents are decoded by ``decode``, no sooner. Packets are equal when their bytes are.
    """

    __slots__ = ("_native",)

    _native: _NativePacket

    def __init__(self, native: _NativePacket) -> None:
        self._native = native

    @classmethod
    def from_bytes(
        cls, data: bytes | bytearray | memoryview, limits: Limits = DEFAULT_LIMITS
    ) -> Packet:
        """Verify bytes that are one packet. A ``bytes`` object is kept, others are copied once.

        Raises:
            WireError: If they are not one; the subclass says why, ``id`` exactly.
            TypeError: If ``data`` is not bytes-like.
        """
        # Through memoryview, because bytes(n) of a number n would allocate n zeros.
        own = data if type(data) is bytes else bytes(memoryview(data))
        return cls(_NativePacket.parse(own, limits._tuple()))

    def decode(self, limits: Limits = DEFAULT_LIMITS) -> Message:
        """Decode the latents and give the whole message.

        Raises:
            MalformedPacketError: If the payload breaks a rule of its encoding.
            LimitExceededError: If it would take more than ``limits``.
        """
        data = bytes(self)
        return Message(
            latents=self._native.decode(limits._tuple()),
            sender=self.sender,
            space=self.space,
            receiver=self.receiver,
            sections=tuple(
                Section(info.type, data[info.offset : info.offset + info.length])
                for info in self.sections
                if info.type != 1
            ),
            message_id=self.message_id,
        )

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor format version that the packet was written in."""
        return self._native.version

    @property
    def message_id(self) -> bytes:
        """16 bytes, in order of time."""
        return self._native.message_id

    @property
    def sender(self) -> ModelRef:
        """Who speaks."""
        return _model_ref(self._native.sender)

    @property
    def receiver(self) -> ModelRef | None:
        """Whom it is meant for; None: anyone who hears the space."""
        named = self._native.receiver
        return None if named is None else _model_ref(named)

    @property
    def space(self) -> SpaceRef:
        """The latent space of the numbers."""
        fingerprint, name = self._native.space
        return SpaceRef(name=name, fingerprint=fingerprint)

    @property
    def encoding(self) -> Encoding:
        """How the numbers are written."""
        return cast(Encoding, self._native.encoding)

    @property
    def compression(self) -> Compression:
        """The lossless stage that was kept."""
        return cast(Compression, self._native.compression)

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents of the latents, outermost first."""
        return tuple(self._native.shape)

    @property
    def payload_offset(self) -> int:
        """First byte of the latents' payload."""
        return self._native.payload[0]

    @property
    def payload_length(self) -> int:
        """Bytes of the latents' payload."""
        return self._native.payload[1]

    @property
    def sections(self) -> tuple[SectionInfo, ...]:
        """Where every section lies, in the order of the packet."""
        return tuple(SectionInfo(*section) for section in self._native.sections)

    def __bytes__(self) -> bytes:
        return self._native.data

    def __len__(self) -> int:
        return len(self._native.data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packet) and bytes(self) == bytes(other)

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.shape))
        return (
            f"<Packet {len(self)} bytes: {shape} {self.encoding}, from {self.sender.name!r} "
            f"in space {self.space.name!r}>"
        )


def quantize_roundtrip(latents: NDArray[np.float32], encoding: Encoding) -> NDArray[np.float32]:
    """Exactly what a receiver would decode of these latents.

    Args:
        latents: Float32, rows along the last axis; rows of many messages may be given at once.
        encoding: The payload encoding to go through.

    Returns:
        Float32 of the same shape.

    Raises:
        InvalidMessageError: If a number is not finite or too large for the encoding, or if there
            is no such encoding.
    """
    _check_encoding(encoding)
    return _native.quantize_roundtrip(_as_float32(latents), encoding)


def _as_float32(latents: Any) -> NDArray[np.float32]:
    """An aligned, C-contiguous float32 array, without a copy where it is one already."""
    if type(latents).__module__.partition(".")[0] == "torch":
        # NumPy has no bfloat16: widened by torch. `.float()` and `.cpu()` copy only if they must.
        latents = latents.detach().float().cpu().numpy()
    with np.errstate(over="ignore"):  # a float64 beyond float32 is refused as not finite
        array = np.asarray(latents, dtype=np.float32, order="C")
    return array if array.flags.aligned else array.copy()


def _check_encoding(encoding: str) -> None:
    known = get_args(Encoding)
    if encoding not in known:
        raise InvalidMessageError(
            f"there is no encoding {encoding!r}: expected {', '.join(known[:-1])} or {known[-1]}",
            id="message.encoding",
        )


def _check_unicode(ref: ModelRef | SpaceRef) -> None:
    """Refuse what UTF-8 cannot say: a name from a file system may hold lone surrogates."""
    for text in (ref.name, getattr(ref, "revision", "")):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidMessageError(
                f"a name cannot be written: expected text that UTF-8 can hold, found {text!a}",
                id="message.name",
            ) from error


def _model_tuple(ref: ModelRef) -> tuple[bytes, str, str]:
    return (ref.fingerprint, ref.name, ref.revision)


def _model_ref(named: tuple[bytes, str, str]) -> ModelRef:
    fingerprint, name, revision = named
    return ModelRef(name=name, fingerprint=fingerprint, revision=revision)
