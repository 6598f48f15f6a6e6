"""Python's other threads run while the native module works."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from latentwire.message import Message, ModelRef, Packet, SpaceRef
from latentwire.packet_encoder import PacketEncoder, decode_many

SENDER = ModelRef(name="a", fingerprint=bytes(16))
SPACE = SpaceRef(name="z", fingerprint=bytes(16))
TRIES = 10
"""One turn proves it; a busy machine may not give any in one call."""


@pytest.fixture(autouse=True)
def _nobody_is_interrupted() -> Iterator[None]:
    """A thread keeps Python until it lets it go by itself."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


def turns_during(call: Callable[[], object]) -> int:
    """How often this thread's turn comes while another one is in a call."""
    span: list[float] = []

    def work() -> None:
        span.append(time.perf_counter())
        call()
        span.append(time.perf_counter())

    worker = threading.Thread(target=work)
    turns = []
    worker.start()
    while worker.is_alive():
        turns.append(time.perf_counter())
        time.sleep(1e-4)
    worker.join()
    return sum(span[0] < turn < span[1] for turn in turns)


def lets_others_run(call: Callable[[], object]) -> bool:
    return any(turns_during(call) for _ in range(TRIES))


def test_a_call_that_keeps_python_would_be_noticed() -> None:
    numbers = np.random.default_rng(0).permutation(300_000).tolist()
    assert not lets_others_run(lambda: sorted(numbers))


@pytest.fixture(scope="module")
def latents() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((2048, 32, 256), dtype=np.float32)


def test_batches(latents: np.ndarray) -> None:
    encoder = PacketEncoder(sender=SENDER, space=SPACE)
    packets = encoder.encode_many(latents, threads=1)
    assert lets_others_run(lambda: encoder.encode_many(latents, threads=1))
    assert lets_others_run(lambda: decode_many(packets, threads=1))


def test_large_messages(latents: np.ndarray) -> None:
    message = Message(latents=latents.reshape(-1, 256)[:16384], sender=SENDER, space=SPACE)
    packet = Packet.from_bytes(bytes(message.encode("int8")))
    assert lets_others_run(lambda: message.encode("int8"))
    assert lets_others_run(packet.decode)
