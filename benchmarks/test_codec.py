"""What a packet costs from Python: ``pytest benchmarks --benchmark-enable --benchmark-only``.

Beside each figure stands what people use today for the same tensor: NumPy's own file format,
safetensors, and pickled torch tensors in base64 as serving engines take prompt embeddings.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from latentwire.message import Message, ModelRef, Packet, SpaceRef, quantize_roundtrip

LATENTS = np.random.default_rng(1).standard_normal((32, 256), dtype=np.float32)
MESSAGE = Message(
    latents=LATENTS,
    sender=ModelRef(name="tiny-llama", fingerprint=bytes(16)),
    space=SpaceRef(name="tiny-v1", fingerprint=bytes(range(16))),
)


@pytest.mark.parametrize("encoding", ["f32", "f16", "bf16", "int8"])
def test_encode(benchmark: Any, encoding: Any) -> None:
    packet = benchmark(MESSAGE.encode, encoding)
    benchmark.extra_info["bytes"] = len(packet)


@pytest.mark.parametrize("encoding", ["f32", "f16", "bf16", "int8"])
def test_parse_and_decode(benchmark: Any, encoding: Any) -> None:
    data = bytes(MESSAGE.encode(encoding))
    message = benchmark(lambda: Packet.from_bytes(data).decode())
    assert message.latents.shape == LATENTS.shape


def test_encode_int8_zstd(benchmark: Any) -> None:
    packet = benchmark(MESSAGE.encode, "int8", compression="zstd")
    benchmark.extra_info["bytes"] = len(packet)


def test_encode_from_torch(benchmark: Any) -> None:
    tensor = torch.from_numpy(LATENTS)
    benchmark(
        lambda: Message(latents=tensor, sender=MESSAGE.sender, space=MESSAGE.space).encode("int8")
    )


def test_quantize_roundtrip_of_a_batch(benchmark: Any) -> None:
    batch = np.repeat(LATENTS[None], 64, axis=0)
    benchmark(quantize_roundtrip, batch, "int8")


def test_rival_safetensors_f16(benchmark: Any) -> None:
    half = LATENTS.astype(np.float16)
    data = benchmark(safetensors.numpy.save, {"latents": half})
    benchmark.extra_info["bytes"] = len(data)


def test_rival_numpy_f16(benchmark: Any) -> None:
    half = LATENTS.astype(np.float16)

    def save() -> bytes:
        buffer = io.BytesIO()
        np.save(buffer, half, allow_pickle=False)
        return buffer.getvalue()

    benchmark.extra_info["bytes"] = len(benchmark(save))


def test_rival_torch_save_base64_f16(benchmark: Any) -> None:
    half = torch.from_numpy(LATENTS).half()

    def save() -> bytes:
        buffer = io.BytesIO()
        torch.save(half, buffer)
        return base64.b64encode(buffer.getvalue())

    benchmark.extra_info["bytes"] = len(benchmark(save))
