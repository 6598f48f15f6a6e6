"""What a packet is made of beside its header: tensors and sections, and where they lie in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from latentwire.forms import LosslessStage, PacketEncoding, Scales, as_codes
from latentwire.references import check_sixteen_bytes


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """Latents that are indices into a codebook which both ends have.

    Attributes:
        codes: uint16 array of rank 1 to 4, each below ``size``.
        codebook: Fingerprint of the codebook, 16 bytes.
        size: Entries of the codebook: 2 to 65,536.
    """

    codes: NDArray[np.uint16]
    codebook: bytes
    size: int

    def _tuple(self) -> tuple[NDArray[np.uint16], bytes, int]:
        check_sixteen_bytes("fingerprint of the codebook", self.codebook)
        return (as_codes(self.codes), self.codebook, self.size)


@dataclass(frozen=True, slots=True)
class Section:
    """A section beside the latents, as bytes.

    Attributes:
        type: 2 to 8191, but for 7 (the seal).
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


@dataclass(frozen=True, slots=True)
class ScalesInfo:
    """How the scales of a tensor are written.

    Attributes:
        width: ``f16`` or ``f32``.
        shared_by: See ``Scales``.
        asymmetric: Whether each comes with a zero point.
    """

    width: str
    shared_by: Scales
    asymmetric: bool

    @classmethod
    def _of(cls, scales: tuple[str, str, int, bool]) -> ScalesInfo:
        width, granularity, group, asymmetric = scales
        shared_by = group if granularity == "group" else cast(Scales, granularity)
        return cls(width, shared_by, asymmetric)


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """How a tensor is written, and where.

    Attributes:
        name: Empty for the one without a name.
        shape: Extents, outermost first.
        encoding: How its numbers are written.
        compression: The lossless stage that was kept.
        scales: None for encodings that have none.
        payload_offset: First byte of its payload, from the start of the packet.
        payload_length: Bytes of its payload.
    """

    name: str
    shape: tuple[int, ...]
    encoding: PacketEncoding
    compression: LosslessStage
    scales: ScalesInfo | None
    payload_offset: int
    payload_length: int
