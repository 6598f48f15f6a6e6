"""The forms in which numbers are written: encodings, who shares a scale, lossless stages."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from latentwire.bfloat16 import BFloat16
from latentwire.counts import as_int
from latentwire.errors import InvalidMessageError

if TYPE_CHECKING:
    from latentwire._native import _Options
    from latentwire.resources import Resources

Encoding = Literal["f32", "f16", "bf16", "fp8", "int8", "int4", "int2", "sign"]
"""How the numbers of a payload are written; the last four are codes times scales."""
Scales = Literal["row", "tensor", "channel"] | int
"""Which numbers share a scale: those of a row, all of the tensor, those at one place of all rows,
or so many neighbours in a row."""
Compression = Literal["none", "zstd", "entropy", "auto"]
"""Which lossless stage to try over a payload; the smaller of with and without is kept."""
PacketEncoding = Encoding | Literal["codes"]
"""How the numbers of a packet are written; codes are indices into a codebook."""
LosslessStage = Literal["none", "zstd", "zstd-dictionary", "entropy"]
"""The lossless stage over a payload of a packet."""

ZSTD_LEVEL = 9
"""Level at which zstd is tried unless another is given."""
_ZSTD_LEVELS = range(1, 23)
_LARGEST_GROUP = 2**32 - 1
_NO_NUMBERS = frozenset("bcSUOMm")
"""NumPy's kinds of types that become float32 only by guessing, or by leaving something out."""
_FLOAT32 = np.dtype(np.float32)


def form_tuple(
    encoding: Encoding,
    scales: Scales,
    asymmetric: bool,
    compression: Compression,
    level: int,
    resources: Resources,
) -> _Options:
    """A form as the native module takes it.

    Raises:
        InvalidMessageError: If there is no such form, or the lossless stage lacks what it needs.
    """
    try:
        return _form(encoding, scales, asymmetric, compression, level, bool(resources.tables))
    except TypeError as error:  # a list, which cannot be looked up
        raise InvalidMessageError(
            f"there is no such form: expected names and whole numbers, found {encoding!r}, "
            f"{scales!r}, {asymmetric!r}, {compression!r}, {level!r}",
            id="message.form",
        ) from error


# By type as well: 1, 1.0 and True are equal, and not the same answer for whoever asks next.
@lru_cache(maxsize=256, typed=True)
def _form(
    encoding: Encoding,
    scales: Scales,
    asymmetric: bool,
    compression: Compression,
    level: int,
    has_tables: bool,
) -> _Options:
    check_encoding(encoding)
    if compression not in get_args(Compression):
        raise InvalidMessageError(
            f"there is no compression {compression!r}: expected none, zstd, entropy or auto",
            id="message.stage",
        )
    if compression == "entropy" and not has_tables:
        raise InvalidMessageError(
            "the entropy stage has no tables: expected some among the resources, found none",
            id="message.entropy",
            hint="fit them with EntropyTables.fit, or try compression='auto'",
        )
    group = 0 if isinstance(scales, str) else as_int(scales)
    shared_by = scales if isinstance(scales, str) else "group"
    if shared_by not in ("row", "tensor", "channel", "group") or (
        group is None or not 0 <= group <= _LARGEST_GROUP
    ):
        raise InvalidMessageError(
            f"no scales are shared by {scales!r}: expected row, tensor, channel or a number",
            id="message.layout",
        )
    if asymmetric not in (False, True):
        raise InvalidMessageError(
            f"codes are symmetric or not: expected True or False, found {asymmetric!r}",
            id="message.layout",
        )
    effort = as_int(level)
    if effort is None or effort not in _ZSTD_LEVELS:
        raise InvalidMessageError(
            f"there is no level {level!r} of zstd: expected a whole number from 1 to 22",
            id="message.level",
        )
    return (encoding, shared_by, group, bool(asymmetric), compression, effort)


def check_encoding(encoding: str) -> None:
    """Refuse what is not an ``Encoding``.

    Raises:
        InvalidMessageError: If it is not.
    """
    known = get_args(Encoding)
    if encoding not in known:
        raise InvalidMessageError(
            f"there is no encoding {encoding!r}: expected {', '.join(known[:-1])} or {known[-1]}",
            id="message.encoding",
        )


def as_numbers(latents: Any) -> NDArray[np.float32] | NDArray[np.uint16]:
    """The same for writers, which take bfloat16 as it is: its bits, without a copy."""
    if type(latents) is np.ndarray and latents.dtype is _FLOAT32:
        # Asked for once: C-contiguous, aligned, and writable, which most arrays are.
        return latents if latents.flags.carray else as_float32(latents)
    halves = BFloat16.of(latents)
    return as_float32(latents) if halves is None else halves.bits


def as_float32(latents: Any) -> NDArray[np.float32]:
    """An aligned, C-contiguous float32 array, without a copy where it is one already.

    Of NumPy, of torch, of whatever has ``__array__``, a buffer or ``__dlpack__``.

    Raises:
        InvalidMessageError: If they are not real numbers, all of them there: complex ones, truth
            values, texts, masked arrays.
    """
    if (
        type(latents) is np.ndarray
        and latents.dtype is _FLOAT32
        and latents.flags.c_contiguous
        and latents.flags.aligned
    ):
        return latents
    if type(latents).__module__.partition(".")[0] == "torch":
        if latents.is_complex() or str(latents.dtype) == "torch.bool":
            raise _no_numbers(f"values of type {latents.dtype}")
        # NumPy has no bfloat16: widened by torch. `.float()` and `.cpu()` copy only if they must.
        latents = latents.detach().float().cpu().numpy()
    elif hasattr(latents, "__dlpack__") and not hasattr(latents, "__array__"):
        # Whoever knows NumPy has `__array__`; others hand over their memory.
        latents = np.from_dlpack(latents)
    try:
        given = np.asanyarray(latents)
        if isinstance(given, np.ma.MaskedArray):
            raise _no_numbers("a masked array")
        if given.dtype.kind in _NO_NUMBERS:
            raise _no_numbers(f"values of type {given.dtype}")
        with np.errstate(over="ignore"):  # a float64 beyond float32 is refused as not finite
            array = np.asarray(given, dtype=np.float32, order="C")
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidMessageError):
            raise
        raise _no_numbers(f"{type(latents).__name__}: {error}") from error
    return array if array.flags.aligned else array.copy()


def _no_numbers(found: str) -> InvalidMessageError:
    return InvalidMessageError(
        f"latents cannot be written: expected an array of real numbers, found {found}",
        id="message.numbers",
    )


def as_codes(codes: Any) -> NDArray[np.uint16]:
    """An aligned, C-contiguous uint16 array of indices, without a copy where it is one already.

    Raises:
        InvalidMessageError: If they are not integers from 0 to 65,535.
    """
    given = np.asarray(codes)
    if given.dtype != np.uint16:
        if not np.issubdtype(given.dtype, np.integer):
            found = f"numbers of type {given.dtype}"
        elif given.size and not 0 <= given.min() <= given.max() < 2**16:
            found = f"{given.min()} to {given.max()}"
        else:
            return np.ascontiguousarray(given, np.uint16)
        raise InvalidMessageError(
            f"these are no indices into a codebook: expected integers from 0 to 65,535, "
            f"found {found}",
            id="message.index",
        )
    return np.require(given, requirements=["C", "A"])
