"""What the native module refuses, and as which exception: class, id, offset and hint."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from latentwire import _native, errors
from latentwire.message import (
    Limits,
    Message,
    ModelRef,
    Packet,
    Section,
    SpaceRef,
    quantize_roundtrip,
)

GOLDEN = Path(__file__).parents[1] / "conformance" / "v1.0"
MESSAGE = Message(
    latents=np.arange(6, dtype=np.float32).reshape(2, 3),
    sender=ModelRef(name="tiny-llama", fingerprint=bytes(16)),
    space=SpaceRef(name="tiny-v1", fingerprint=bytes(16)),
    message_id=bytes(16),
)
DATA = bytes(MESSAGE.encode())
SIZE = len(DATA)


def changed(place: int, value: int) -> bytes:
    return DATA[:place] + bytes([value]) + DATA[place + 1 :]


def read(data: bytes, **limits: int) -> Callable[[], object]:
    return lambda: Packet.from_bytes(data, Limits(**limits))


UNKNOWN_SECTION = (GOLDEN / "invalid" / "unknown-critical-section.lwp").read_bytes()
AGAIN, UPGRADE, LARGER = "send the packet again", "upgrade latentwire", "pass larger Limits"


@pytest.mark.parametrize(
    ("call", "kind", "id_", "offset", "hint"),
    [
        (read(DATA[:-1]), errors.TruncatedPacketError, "packet.truncated", SIZE - 1, AGAIN),
        (read(changed(20, 0xFF)), errors.ChecksumError, "checksum.mismatch", SIZE - 4, AGAIN),
        (read(changed(4, 2)), errors.UnsupportedVersionError, "preamble.major", 4, UPGRADE),
        (
            read(UNKNOWN_SECTION),
            errors.UnsupportedFeatureError,
            "section.unknown_critical",
            ...,
            UPGRADE,
        ),
        (read(DATA + b"!"), errors.MalformedPacketError, "packet.trailing_bytes", SIZE, None),
        (read(DATA, elements=5), errors.LimitExceededError, "limit.elements", ..., LARGER),
        (
            lambda: replace(MESSAGE, latents=np.array(1, np.float32)).encode(),
            errors.InvalidMessageError,
            "message.shape",
            None,
            None,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_every_family_is_raised_as_its_class(
    call: Callable[[], object], kind: type[errors.WireError], id_: str, offset: Any, hint: Any
) -> None:
    with pytest.raises(errors.WireError) as caught:
        call()
    error = caught.value
    assert type(error) is kind
    assert error.id == id_
    assert isinstance(error.offset, int) if offset is ... else error.offset == offset
    assert error.hint is None if hint is None else error.hint and error.hint.startswith(hint)
    text = str(error)
    assert "expected" in text
    assert "found" in text
    assert "\n" not in text
    assert (f"at byte {error.offset}" in text) == (error.offset is not None)


def native_encode(latents: Any) -> bytes:
    return _native.encode(
        [("", latents)],
        message_id=bytes(16),
        sender=(bytes(16), "tiny-llama", ""),
        receiver=None,
        space=(bytes(16), "tiny-v1"),
        sections=[],
        options=("f32", "row", 0, False, "none", 9),
        lossless=([], []),
        route=None,
    )


@pytest.mark.parametrize(
    "latents",
    [np.asfortranarray(MESSAGE.latents), MESSAGE.latents[:, ::2], MESSAGE.latents[::-1]],
    ids=["Fortran order", "strided", "reversed"],
)
def test_the_native_module_takes_no_other_order_than_c(latents: Any) -> None:
    # Fortran order is contiguous too: read as it lies, its numbers would change places.
    with pytest.raises(ValueError, match="C-contiguous"):
        native_encode(latents)
    with pytest.raises(ValueError, match="C-contiguous"):
        _native.quantize_roundtrip(latents, "f32")
    sent = replace(MESSAGE, latents=latents).encode("f32")
    np.testing.assert_array_equal(sent.decode().latents, latents)


def test_an_array_that_is_not_aligned_is_copied() -> None:
    latents = np.frombuffer(b"!" + MESSAGE.latents.tobytes(), np.float32, offset=1).reshape(2, 3)
    assert not latents.flags.aligned
    found = replace(MESSAGE, latents=latents).encode("f32").decode().latents
    np.testing.assert_array_equal(found, MESSAGE.latents)
    np.testing.assert_array_equal(quantize_roundtrip(latents, "f32"), MESSAGE.latents)


@pytest.mark.parametrize("data", [1 << 26, [1, 2], "text", None])
def test_what_is_not_bytes_is_a_type_error_and_allocates_nothing(data: Any) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TypeError):
            Packet.from_bytes(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_writer_is_not_held_to_the_limits_of_a_reader() -> None:
    sections = (Section(8, b""),) * Limits().sections
    packet = replace(MESSAGE, sections=sections).encode()
    assert packet.decode().sections == sections
    with pytest.raises(errors.LimitExceededError):
        Packet.from_bytes(bytes(packet))


@pytest.mark.parametrize("name", ["\ud800", "caf\udce9"])
def test_names_that_utf_8_cannot_hold(name: str) -> None:
    refs: list[dict[str, Any]] = [
        {"sender": replace(MESSAGE.sender, name=name)},
        {"sender": replace(MESSAGE.sender, revision=name)},
        {"receiver": replace(MESSAGE.sender, name=name)},
        {"space": replace(MESSAGE.space, name=name)},
    ]
    for change in refs:
        with pytest.raises(errors.InvalidMessageError, match="UTF-8") as caught:
            replace(MESSAGE, **change)
        assert caught.value.id == "message.name"


def test_a_number_beyond_float32_is_refused_without_a_warning() -> None:
    with pytest.raises(errors.InvalidMessageError, match="finite"):
        replace(MESSAGE, latents=np.array([1e300])).encode()


def test_an_encoding_that_does_not_exist() -> None:
    with pytest.raises(errors.InvalidMessageError, match="no encoding 'int3'"):
        quantize_roundtrip(MESSAGE.latents, "int3")  # type: ignore[arg-type]
