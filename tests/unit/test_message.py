"""Messages and packets from Python: no needless copies, typed refusals, nothing heavy imported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from latentwire import errors
from latentwire.message import (
    Encoding,
    Limits,
    Message,
    ModelRef,
    Packet,
    Section,
    SpaceRef,
    new_message_id,
    quantize_roundtrip,
)

SENDER = ModelRef(name="tiny-llama", fingerprint=bytes(16))
SPACE = SpaceRef(name="tiny-v1", fingerprint=bytes(range(16)))
ENCODINGS: list[Encoding] = ["f32", "f16", "bf16", "fp8", "int8", "int4", "int2", "sign"]


def message(latents: Any, **more: Any) -> Message:
    return Message(latents=latents, sender=SENDER, space=SPACE, **more)


numbers = st.floats(-1e4, 1e4, width=32, allow_subnormal=False)
tensors = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=1, max_dims=4, max_side=6), elements=numbers
)


def within_reach(latents: Any, encoding: Encoding) -> Any:
    return latents.clip(-448, 448) if encoding == "fp8" else latents


@given(latents=tensors, encoding=st.sampled_from(ENCODINGS))
def test_what_is_decoded_encodes_to_the_same_bytes(latents: Any, encoding: Encoding) -> None:
    latents = within_reach(latents, encoding)
    packet = message(latents).encode(encoding)
    again = Packet.from_bytes(bytes(packet))
    assert again == packet
    decoded = again.decode()
    assert decoded.latents.shape == latents.shape
    assert decoded.encode(encoding) == packet
    np.testing.assert_array_equal(decoded.latents, quantize_roundtrip(latents, encoding))


@given(latents=tensors, encoding=st.sampled_from(ENCODINGS))
def test_numbers_are_off_by_no_more_than_their_encoding_allows(
    latents: Any, encoding: Encoding
) -> None:
    latents = within_reach(latents, encoding)
    sizes = np.abs(latents.astype(np.float64))
    largest, mean = sizes.max(-1, keepdims=True), sizes.mean(-1, keepdims=True)
    # Half a unit in the last place, or half a step of a scale that is rounded up to 11 bits.
    allowed = {
        "f32": 0,
        "f16": sizes / 2**11 + 2**-25,
        "bf16": sizes / 2**8,
        "fp8": sizes / 2**4 + 2**-10,
        "int8": largest / 127 * 0.5005,
        "int4": largest / 7 * 0.5005,
        "int2": largest / 3 * 1.001,
        "sign": np.abs(sizes - mean) + mean / 2**11,
    }
    found = message(latents).encode(encoding).decode().latents
    assert (np.abs(found - latents.astype(np.float64)) <= allowed[encoding] * 1.0001 + 1e-30).all()


@given(data=st.binary(max_size=300))
def test_any_bytes_are_a_packet_or_a_wire_error(data: bytes) -> None:
    with pytest.raises(errors.WireError) as caught:
        Packet.from_bytes(data)
    assert caught.value.id


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused(place: int, bit: int) -> None:
    data = bytearray(bytes(message(np.ones((2, 3), np.float32), message_id=bytes(16)).encode()))
    data[place % len(data)] ^= 1 << bit
    with pytest.raises(errors.WireError):
        Packet.from_bytes(data)


def test_every_field_survives() -> None:
    receiver = ModelRef(name="tiny-qwen", fingerprint=b"r" * 16, revision="2")
    sections = (Section(9, b"one"), Section(9, b"two"), Section(8191, b""))
    given_message = message(
        np.eye(3, dtype=np.float32), receiver=receiver, sections=sections, message_id=b"m" * 16
    )
    packet = Packet.from_bytes(bytearray(bytes(given_message.encode("f16", compression="zstd"))))
    assert (packet.sender, packet.receiver, packet.space) == (SENDER, receiver, SPACE)
    assert (packet.version, packet.message_id) == ((1, 0), b"m" * 16)
    assert (packet.shape, packet.encoding) == ((3, 3), "f16")
    assert packet.decode().sections == sections
    assert [info.type for info in packet.sections] == [1, 9, 9, 8191]
    assert len(packet) == len(bytes(packet))
    assert "3 x 3 f16" in repr(packet)
    assert packet == Packet.from_bytes(memoryview(bytes(packet)))
    assert len({packet, Packet.from_bytes(bytes(packet))}) == 1


def test_contiguous_float32_is_taken_without_a_copy() -> None:
    array = np.ones((4, 8), np.float32)
    assert np.shares_memory(message(array).latents, array)
    tensor = torch.ones(4, 8)
    assert np.shares_memory(message(tensor).latents, tensor.numpy())
    data = bytes(message(array).encode())
    assert bytes(Packet.from_bytes(data)) is data


@pytest.mark.parametrize(
    "latents",
    [
        np.arange(12, dtype=np.float64).reshape(3, 4),
        np.arange(24, dtype=np.float32).reshape(3, 8)[:, ::2],
        torch.arange(12, dtype=torch.bfloat16).reshape(3, 4),
        torch.arange(12, dtype=torch.float32).reshape(4, 3).T.requires_grad_(),
        [[1.0, 2.0], [3.0, 4.0]],
    ],
    ids=["float64", "strided", "bfloat16", "transposed with gradient", "list"],
)
def test_other_arrays_are_converted(latents: Any) -> None:
    found = message(latents).encode("f32").decode().latents
    expected = latents.detach().float() if isinstance(latents, torch.Tensor) else latents
    np.testing.assert_array_equal(found, np.asarray(expected, dtype=np.float32))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latents": np.float32(3)}, "shape"),
        ({"latents": np.zeros((2, 0), np.float32)}, "shape"),
        ({"latents": np.zeros((1, 1, 1, 1, 1), np.float32)}, "shape"),
        ({"latents": np.array([np.nan], np.float32)}, "finite"),
        ({"message_id": b"short"}, "16 bytes"),
        ({"sender": ModelRef(name="", fingerprint=bytes(16))}, "name"),
        ({"sender": ModelRef(name="a\x1b[2J", fingerprint=bytes(16))}, "name"),
        ({"sender": ModelRef(name="a" * 256, fingerprint=bytes(16))}, "name"),
        ({"space": SpaceRef(name="s", fingerprint=b"")}, "fingerprint"),
        ({"sections": (Section(1, b""),)}, "2 to 8191"),
    ],
)
def test_messages_that_cannot_be_written(change: dict[str, Any], words: str) -> None:
    fields = {"latents": np.ones(2, np.float32), "sender": SENDER, "space": SPACE, **change}
    with pytest.raises(errors.InvalidMessageError, match=words) as caught:
        Message(**fields).encode()
    assert caught.value.exit_code == 2


def test_options_that_do_not_exist() -> None:
    one = message(np.ones(2, np.float32))
    with pytest.raises(errors.InvalidMessageError, match="no encoding 'int3'"):
        one.encode("int3")  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidMessageError, match="no compression 'gzip'"):
        one.encode(compression="gzip")  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidMessageError, match="level"):
        message(np.ones(64, np.float32)).encode("f32", compression="zstd", level=99)
    with pytest.raises(errors.InvalidMessageError, match="too large"):
        message(np.full(2, 1e6, np.float32)).encode("f16")


def test_limits_are_the_callers() -> None:
    data = bytes(message(np.ones((4, 4), np.float32)).encode("f32"))
    for limits, found in (
        (Limits(total_bytes=10), "limit.total_bytes"),
        (Limits(elements=15), "limit.elements"),
        (Limits(sections=0), "limit.sections"),
    ):
        with pytest.raises(errors.LimitExceededError) as caught:
            Packet.from_bytes(data, limits)
        assert caught.value.id == found
    with pytest.raises(errors.LimitExceededError):
        Packet.from_bytes(data).decode(Limits(decompressed_bytes=63))


def test_message_ids_are_new_and_sort_by_time() -> None:
    ids = [new_message_id() for _ in range(200)]
    assert len(set(ids)) == 200
    assert ids[0] < ids[-1]


def test_importing_the_package_imports_neither_torch_nor_grpc() -> None:
    code = (
        "import sys, latentwire as lw; lw.Packet; heavy = {'torch', 'transformers'}; "
        "print(sorted((heavy | {'grpc', 'typer'}) & set(sys.modules))); "
        "lw.connect; print(sorted(heavy & set(sys.modules)))"  # a client needs neither
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["[]", "[]"], done.stderr


def test_the_stub_describes_the_native_module(tmp_path: Path) -> None:
    # In a package of its own, so that what else imports it (torch and all) is not checked again.
    package = tmp_path / "latentwire"
    package.mkdir()
    (package / "__init__.pyi").touch()
    source = Path(errors.__file__).parent
    for name in ("_native.pyi", "errors.py"):
        shutil.copy(source / name, package)
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "latentwire._native"],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=tmp_path.parent,
        env={**os.environ, "MYPYPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 module" in done.stdout
