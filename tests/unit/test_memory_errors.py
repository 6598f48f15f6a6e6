"""Latents that there is no room for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

WORK = """
import resource, sys
import numpy as np
from latentwire.limits import Limits
from latentwire.message import Message, ModelRef, SpaceRef
from latentwire.packet_encoder import decode_many

message = Message(
    latents=np.ones((1 << 12, 1 << 14), np.float32),
    sender=ModelRef(name="a", fingerprint=bytes(16)),
    space=SpaceRef(name="s", fingerprint=bytes(16)),
)
plenty = Limits(total_bytes=1 << 30, elements=1 << 30, decompressed_bytes=1 << 30)
sign, bf16 = message.encode("sign"), message.encode("bf16")
data = bytes(sign)
len(sign.tensors), len(bf16.tensors)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (64 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
calls = {
    "decode": lambda: sign.tensors_by_name(plenty),
    "bfloat16": lambda: bf16.bfloat16_by_name(plenty),
    "many": lambda: decode_many([data], plenty, threads=1),
}
try:
    calls[sys.argv[1]]()
except MemoryError:
    print("MemoryError")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the address space is bounded as Linux does it")
@pytest.mark.parametrize("call", ["decode", "bfloat16", "many"])
def test_no_room_for_latents_is_a_memory_error(call: str) -> None:
    # Settings that keep freed memory, as the Makefile's do, would leave room enough.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", WORK, call], capture_output=True, text=True, timeout=60, env=env
    )
    assert done.stdout == "MemoryError\n", done.stderr
