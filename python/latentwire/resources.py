"""What both ends of a channel have and packets only name: entropy tables and zstd dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from latentwire import _native
from latentwire.errors import InvalidMessageError
from latentwire.forms import ZSTD_LEVEL, Encoding, Scales, as_codes, as_float32, form_tuple

Axis = Literal["shared", "column", "row"]
"""What a model of ``EntropyTables`` is for: all codes, one dimension, or one row of a message."""


class EntropyTables:
    """Static models of the codes of a latent space, for the entropy stage.

    Fitted once over many messages and kept with the space; a packet names them by fingerprint. Two
    tables are equal when their bytes are.
    """

    __slots__ = ("_inner",)

    _inner: _native.EntropyTables

    def __init__(self, native: _native.EntropyTables) -> None:
        self._inner = native

    @classmethod
    def fit(
        cls,
        latents: Any,
        encoding: Encoding = "int4",
        *,
        scales: Scales = "row",
        asymmetric: bool = False,
        axis: Axis = "column",
    ) -> EntropyTables:
        """Count the codes of many messages.

        Args:
            latents: Float32 [N, K, D]: N messages like those that will be sent.
            encoding: How they will be written: int8, int4, int2 or sign.
            scales: Which numbers will share a scale.
            asymmetric: Whether scales will have zero points.
            axis: One model for all codes, one for each of the D dimensions, or one for each row.

        Raises:
            InvalidMessageError: If the encoding has no codes, a message cannot be written, or there
                is no such axis.
        """
        _check_axis(axis)
        form = form_tuple(encoding, scales, asymmetric, "none", ZSTD_LEVEL, NO_RESOURCES)
        return cls(_native.EntropyTables.fit(as_float32(latents), form, axis))

    @classmethod
    def fit_codes(cls, codes: Any, size: int, *, axis: Axis = "column") -> EntropyTables:
        """Count the indices of many messages into a codebook.

        Args:
            codes: Unsigned integers [N, ...], each below ``size``: the codes of N messages.
            size: Entries of the codebook, 2 to 256.
            axis: See ``fit``; a column is a place along the last axis.

        Raises:
            InvalidMessageError: If there are no messages, a code is not below ``size``, or that is
                not within its bounds.
        """
        _check_axis(axis)
        return cls(_native.EntropyTables.fit_codes(as_codes(codes), size, axis))

    @classmethod
    def from_bytes(cls, data: bytes) -> EntropyTables:
        """Read the bytes of ``bytes(tables)``.

        Raises:
            MalformedPacketError: If they are not.
        """
        return cls(_native.EntropyTables.from_bytes(data))

    def __bytes__(self) -> bytes:
        return self._inner.to_bytes()

    @property
    def fingerprint(self) -> bytes:
        """16 bytes that name these tables."""
        return self._inner.fingerprint

    @property
    def axis(self) -> str:
        """See ``Axis``."""
        return self._inner.axis

    @property
    def alphabet(self) -> int:
        """How many different codes the models know."""
        return self._inner.alphabet

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EntropyTables) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        return (EntropyTables.from_bytes, (bytes(self),))

    def __repr__(self) -> str:
        return (
            f"<EntropyTables {self.fingerprint.hex()[:12]}: {self.alphabet} codes, "
            f"models by {self.axis}>"
        )


def _check_axis(axis: str) -> None:
    if axis not in get_args(Axis):
        raise InvalidMessageError(
            f"there are no models by {axis!r}: expected {', '.join(get_args(Axis))}",
            id="message.axis",
        )


class Dictionary:
    """A zstd dictionary, trained on payloads like those that it will help to compress."""

    __slots__ = ("_inner",)

    _inner: _native.Dictionary

    def __init__(self, data: bytes) -> None:
        self._inner = _native.Dictionary(data)

    def __bytes__(self) -> bytes:
        return self._inner.to_bytes()

    @property
    def fingerprint(self) -> bytes:
        """16 bytes that name it: the first of its BLAKE3."""
        return self._inner.fingerprint

    def __reduce__(self) -> tuple[Any, ...]:
        return (Dictionary, (bytes(self),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a writer may use and a reader can undo beside the bytes of a packet.

    Attributes:
        tables: Entropy tables; ``entropy`` writes with the first, ``auto`` with whichever fit best.
        dictionaries: zstd dictionaries; ``zstd`` writes with the first.
    """

    tables: Sequence[EntropyTables] = ()
    dictionaries: Sequence[Dictionary] = ()

    def _lossless(self) -> tuple[list[_native.EntropyTables], list[_native.Dictionary]]:
        if not self.tables and not self.dictionaries:
            return _NOTHING
        return (
            [tables._inner for tables in self.tables],
            [dictionary._inner for dictionary in self.dictionaries],
        )


_NOTHING: tuple[list[_native.EntropyTables], list[_native.Dictionary]] = ([], [])
NO_RESOURCES = Resources()
