"""Messages and packets: what one model says to another, and its bytes.

This module knows tensors and bytes; it knows neither models nor the network, and it does not import
torch: a torch tensor is recognized when it comes along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from latentwire import _native
from latentwire._native import Packet as _NativePacket
from latentwire.bfloat16 import BFloat16
from latentwire.errors import InvalidMessageError, UnsupportedFeatureError, UsageError
from latentwire.forms import (
    ZSTD_LEVEL,
    Compression,
    Encoding,
    LosslessStage,
    PacketEncoding,
    Scales,
    as_float32,
    check_encoding,
    form_tuple,
)
from latentwire.limits import DEFAULT_LIMITS, UNLIMITED, Limits
from latentwire.packet_parts import Codes, ScalesInfo, Section, SectionInfo, TensorInfo
from latentwire.references import (
    FINGERPRINT_BYTES,
    ModelRef,
    Route,
    SpaceRef,
    check_sixteen_bytes,
    new_message_id,
)
from latentwire.resources import NO_RESOURCES, Resources

if TYPE_CHECKING:
    from latentwire._native import _Header, _Tensor

__all__ = [
    "DEFAULT_LIMITS",
    "FINGERPRINT_BYTES",
    "FORMAT_VERSION",
    "BFloat16",
    "Codes",
    "Compression",
    "Encoding",
    "Limits",
    "LosslessStage",
    "Message",
    "ModelRef",
    "Packet",
    "PacketEncoding",
    "Route",
    "Scales",
    "ScalesInfo",
    "Section",
    "SectionInfo",
    "SpaceRef",
    "TensorInfo",
    "__version__",
    "new_message_id",
    "packet_bytes",
    "quantize_roundtrip",
]

__version__: str = _native.__version__
FORMAT_VERSION: tuple[int, int] = _native.FORMAT_VERSION
"""Major and minor version of the packet format that this release writes."""

_MOST_ROWS = 2**32 - 1
_NOTHING = np.zeros(0, np.float32)
_NOT_CARRIED = (1, 7)  # latents are decoded, a seal is of the bytes that it came with


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Message:
    """What one packet says.

    Attributes:
        latents: Float32 array of rank 1 to 4, rows along the last axis. A torch tensor or another
            array is taken too; C-contiguous float32 in main memory is not copied. An empty array:
            the message has only the tensors below.
        sender: Who speaks.
        space: The latent space of the numbers.
        receiver: Whom it is meant for; None: anyone who hears the space.
        tensors: Further tensors by name, for example a key/value pair per layer. bfloat16 of torch
            or ``ml_dtypes`` is not copied. Codes and bfloat16 without a name stand under the empty
            one.
        sections: Ancillary sections to carry along.
        message_id: 16 bytes; a new one unless given.
    """

    latents: NDArray[np.float32]
    sender: ModelRef
    space: SpaceRef
    receiver: ModelRef | None = None
    tensors: Mapping[str, NDArray[np.float32] | Codes | BFloat16] = field(default_factory=dict)
    sections: Sequence[Section] = ()
    message_id: bytes = field(default_factory=new_message_id)

    def __post_init__(self) -> None:
        latents = as_float32(self.latents)
        if latents is not self.latents:
            object.__setattr__(self, "latents", latents)
        if self.tensors:
            tensors = {name: _as_tensor(tensor) for name, tensor in self.tensors.items()}
            object.__setattr__(self, "tensors", tensors)
        check_sixteen_bytes("message id", self.message_id)
        self.sender._tuple("sender")
        self.space._tuple()
        if self.receiver is not None:
            self.receiver._tuple("receiver")
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
        scales: Scales = "row",
        asymmetric: bool = False,
        compression: Compression = "none",
        level: int = ZSTD_LEVEL,
        resources: Resources = NO_RESOURCES,
        route: Route | None = None,
    ) -> Packet:
        """Write the packet. The same message and arguments give the same bytes everywhere.

        Args:
            encoding: How numbers are written.
            scales: Which numbers share a scale, for encodings that have scales.
            asymmetric: Codes span from the least number to the largest, with a zero point for each
                scale; for int8, int4 and int2.
            compression: The lossless stage to try; it is kept if it makes the payload smaller.
                ``zstd`` uses the first dictionary of ``resources``, if there is one; ``entropy``
                needs tables among them; ``auto`` keeps the smallest of all that these allow.
            level: 1 to 22, for zstd.
            resources: Dictionaries and tables that both ends have.
            route: Write a compact packet of this route, which the message must be one of.

        Raises:
            InvalidMessageError: If the message cannot be written: a shape, a name, a number that is
                not finite or too large for the encoding, an unknown encoding or level.
        """
        tensors: list[tuple[str, _Tensor]] = []
        if self.latents.size or not self.tensors:
            tensors.append(("", self.latents))
        for name, tensor in self.tensors.items():
            if isinstance(tensor, BFloat16):
                tensors.append((name, tensor.bits))
            else:
                tensors.append((name, tensor._tuple() if isinstance(tensor, Codes) else tensor))
        data = _native.encode(
            tensors,
            message_id=self.message_id,
            sender=self.sender._tuple("sender"),
            receiver=None if self.receiver is None else self.receiver._tuple("receiver"),
            space=self.space._tuple(),
            sections=[(section.type, section.body) for section in self.sections],
            options=form_tuple(encoding, scales, asymmetric, compression, level, resources),
            lossless=resources._lossless(),
            route=None if route is None else route._tuple(),
        )
        return Packet(data, None)


def _as_tensor(tensor: Any) -> NDArray[np.float32] | Codes | BFloat16:
    if isinstance(tensor, Codes):
        return tensor
    return BFloat16.of(tensor) or as_float32(tensor)


class Packet:
    """The bytes of one message, verified: preamble, checksum, header and section frames.

    The latents are decoded by ``decode``, no sooner. Packets are equal when their bytes are.
    """

    __slots__ = ("_data", "_parsed")

    _data: bytes
    _parsed: _NativePacket | None

    def __init__(self, data: bytes, parsed: _NativePacket | None) -> None:
        self._data = data
        self._parsed = parsed

    @property
    def _native(self) -> _NativePacket:
        # Bytes that were just written are sound: they are taken apart when somebody asks.
        if self._parsed is None:
            self._parsed = _NativePacket.parse(self._data, UNLIMITED._tuple())
        return self._parsed

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
        return cls(own, _NativePacket.parse(own, limits._tuple()))

    def decode(
        self,
        limits: Limits = DEFAULT_LIMITS,
        *,
        route: Route | None = None,
        resources: Resources = NO_RESOURCES,
    ) -> Message:
        """Decode the latents and give the whole message.

        Args:
            limits: What decoding may take.
            route: What a compact packet leaves out.
            resources: Dictionaries and tables that the packet may name.

        Raises:
            MalformedPacketError: If the payload breaks a rule of its encoding.
            LimitExceededError: If it would take more than ``limits``.
            UnsupportedFeatureError: If the packet is compact and not of ``route``, or names what is
                not among ``resources``.
        """
        if route is not None and self.route is not None:
            return self.to_self_contained(route).decode(limits, resources=resources)
        message_id, sender, receiver, space = self._header()
        tensors = self.tensors_by_name(limits, resources=resources)
        unnamed = tensors.get("", _NOTHING)
        if not isinstance(unnamed, Codes):
            tensors.pop("", None)
        data = bytes(self)
        return Message(
            latents=_NOTHING if isinstance(unnamed, Codes) else unnamed,
            sender=ModelRef._of(sender),
            space=SpaceRef._of(space),
            receiver=None if receiver is None else ModelRef._of(receiver),
            tensors=tensors,
            sections=tuple(
                Section(kind, data[offset : offset + length])
                for kind, _, offset, length in self._native.sections
                if kind not in _NOT_CARRIED
            ),
            message_id=message_id,
        )

    def tensors_by_name(
        self, limits: Limits = DEFAULT_LIMITS, *, resources: Resources = NO_RESOURCES
    ) -> dict[str, NDArray[np.float32] | Codes]:
        """Decode the latents alone, in the order of the packet; a compact packet needs no route.

        Its codes then have an empty codebook, since only the route names it.

        Raises:
            MalformedPacketError, LimitExceededError: See ``decode``.
        """
        given = (None, resources._lossless())
        return {
            name: array.astype(np.float32, copy=False)
            if codebook is None
            else Codes(array.astype(np.uint16, copy=False), *codebook)
            for name, array, codebook in self._native.decode(given, limits._tuple())
        }

    def bfloat16_by_name(
        self, limits: Limits = DEFAULT_LIMITS, *, resources: Resources = NO_RESOURCES
    ) -> dict[str, BFloat16]:
        """Decode the tensors that are written in bf16, as they are.

        Raises:
            MalformedPacketError, LimitExceededError: See ``decode``.
        """
        given = (None, resources._lossless())
        tensors = self._native.decode_bfloat16(given, limits._tuple())
        return {name: BFloat16(bits) for name, bits in tensors}

    def truncate(
        self,
        rows: int,
        limits: Limits = DEFAULT_LIMITS,
        *,
        route: Route | None = None,
        resources: Resources = NO_RESOURCES,
    ) -> Packet:
        """The packet with at most the first ``rows`` of every tensor.

        Latents are ordered by importance, so what is left is a message too. Codes and scales are
        moved as they are: nothing is quantized again. A seal is left out.

        Raises:
            InvalidMessageError: If ``rows`` is not at least 1.
        """
        if rows < 1:
            raise InvalidMessageError(
                f"expected at least 1 row to keep, found {rows}", id="message.rows"
            )
        rows = min(rows, _MOST_ROWS)
        given = (None if route is None else route._tuple(), resources._lossless())
        return Packet(self._native.truncate(rows, given, limits._tuple()), None)

    def to_compact(self, route: Route) -> Packet:
        """The same packet in the compact profile; its payload is not touched.

        Raises:
            InvalidMessageError: If it is not a message that ``route`` stands for.
        """
        return Packet(self._native.to_compact(route._tuple()), None)

    def to_self_contained(self, route: Route) -> Packet:
        """The same packet with everything said in full; its payload is not touched.

        Raises:
            UnsupportedFeatureError: If it is a compact packet of another route.
        """
        return Packet(self._native.to_self_contained(route._tuple()), None)

    @property
    def route(self) -> tuple[int, int] | None:
        """Message number and route of a compact packet; None if it is self-contained."""
        return self._native.route

    def _header(self) -> _Header:
        """The header in full.

        Raises:
            UnsupportedFeatureError: If the packet is compact.
        """
        header = self._native.header
        if header is None:
            _, route = self._native.route or (0, 0)
            raise UnsupportedFeatureError(
                f"the route of the packet is not known here: expected a self-contained packet, "
                f"found a compact one of route {route}",
                id="header.route",
                hint="turn it into a self-contained one with to_self_contained(route)",
            )
        return header

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor format version that the packet was written in."""
        return self._native.version

    @property
    def message_id(self) -> bytes:
        """16 bytes, in order of time.

        Raises:
            UnsupportedFeatureError: If the packet is compact: its route knows the header. So do
                ``sender``, ``receiver`` and ``space``.
        """
        return self._header()[0]

    @property
    def sender(self) -> ModelRef:
        """Who speaks."""
        return ModelRef._of(self._header()[1])

    @property
    def receiver(self) -> ModelRef | None:
        """Whom it is meant for; None: anyone who hears the space."""
        named = self._header()[2]
        return None if named is None else ModelRef._of(named)

    @property
    def space(self) -> SpaceRef:
        """The latent space of the numbers."""
        return SpaceRef._of(self._header()[3])

    @property
    def tensors(self) -> tuple[TensorInfo, ...]:
        """How every tensor is written, and where; there is at least one."""
        return tuple(
            TensorInfo(
                name=name,
                shape=tuple(shape),
                encoding=cast(PacketEncoding, encoding),
                compression=cast(LosslessStage, compression),
                scales=None if scales is None else ScalesInfo._of(scales),
                payload_offset=offset,
                payload_length=length,
            )
            for name, shape, encoding, compression, scales, offset, length in self._native.tensors
        )

    @property
    def encoding(self) -> PacketEncoding:
        """How the numbers of the first tensor are written."""
        return cast(PacketEncoding, self._native.tensors[0][2])

    @property
    def compression(self) -> LosslessStage:
        """The lossless stage that was kept over the first tensor."""
        return cast(LosslessStage, self._native.tensors[0][3])

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents of the first tensor, outermost first."""
        return tuple(self._native.tensors[0][1])

    @property
    def payload_offset(self) -> int:
        """First byte of the first tensor's payload."""
        return self._native.tensors[0][5]

    @property
    def payload_length(self) -> int:
        """Bytes of the payloads of all tensors."""
        return sum(tensor[6] for tensor in self._native.tensors)

    @property
    def sections(self) -> tuple[SectionInfo, ...]:
        """Where every section lies, in the order of the packet."""
        return tuple(SectionInfo(*section) for section in self._native.sections)

    def __bytes__(self) -> bytes:
        return self._data

    def __len__(self) -> int:
        return len(self._data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packet) and bytes(self) == bytes(other)

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __reduce__(self) -> tuple[type[Packet], tuple[bytes, None]]:
        return (Packet, (self._data, None))

    def __repr__(self) -> str:
        tensors = ", ".join(
            f"{' x '.join(map(str, tensor.shape))} {tensor.encoding}" for tensor in self.tensors
        )
        if self.route is not None:
            number, route = self.route
            return f"<Packet {len(self)} bytes: {tensors}, message {number} of route {route}>"
        return (
            f"<Packet {len(self)} bytes: {tensors}, from {self.sender.name!r} "
            f"in space {self.space.name!r}>"
        )


def packet_bytes(packet: Any) -> bytes:
    """The bytes of a packet that is given as one, or as any bytes-like object.

    Raises:
        UsageError: If it is neither a packet nor bytes.
    """
    if isinstance(packet, (Packet, bytes)):
        return bytes(packet)
    if isinstance(packet, str):
        raise UsageError(
            "expected a packet or its bytes, found a text",
            hint="encode it first, or have the receiver read it itself: ask_text, generate_text",
        )
    try:
        # Through memoryview, because bytes(n) of a number n would allocate n zeros.
        return bytes(memoryview(packet))
    except TypeError as error:
        found = type(packet).__name__
        raise UsageError(f"expected a packet or its bytes, found {found}") from error


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
    check_encoding(encoding)
    return _native.quantize_roundtrip(as_float32(latents), encoding)
