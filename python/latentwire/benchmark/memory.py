"""How far memory rises while a packet is decoded, as the kernel counts it.

The native module allocates outside of Python's sight, so the figure is the peak of resident memory
of a process that does nothing else: run as ``python -m latentwire.benchmark.memory`` it reads a
packet from stdin, decodes it and prints the bytes by which its memory rose.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["is_measurable", "rise_while_decoding"]

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


def is_measurable() -> bool:
    """Whether this system counts the peak of a process and lets it be reset: Linux does."""
    return _STATUS.exists() and os.access(_CLEAR, os.W_OK)


def rise_while_decoding(packet: bytes) -> int:
    """Bytes by which resident memory peaks over what it was with the packet at hand.

    Raises:
        subprocess.CalledProcessError: If the packet cannot be decoded.
    """
    done = subprocess.run(
        [sys.executable, "-m", "latentwire.benchmark.memory"],
        input=packet,
        capture_output=True,
        check=True,
        # Settings that make the allocator hoard would be measured instead of the decoder.
        env={name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")},
    )
    return int(done.stdout)


def _kib(field: str) -> int:
    for line in _STATUS.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    raise LookupError(field)


def _main() -> None:
    import numpy as np

    from latentwire.message import Limits, Message, ModelRef, Packet, SpaceRef

    data = sys.stdin.buffer.read()
    limits = Limits(total_bytes=max(len(data), 1))
    # Whatever is loaded or allocated on first use is no cost of this packet.
    small = Message(
        latents=np.ones((1, 1), np.float32),
        sender=ModelRef(name="warm", fingerprint=bytes(16)),
        space=SpaceRef(name="warm", fingerprint=bytes(16)),
    )
    Packet.from_bytes(bytes(small.encode("int8", compression="zstd"))).decode()

    _CLEAR.write_text(_RESET_PEAK)
    before = _kib("VmRSS")
    Packet.from_bytes(data, limits).decode(limits)
    sys.stdout.write(str((_kib("VmHWM") - before) * 1024))


if __name__ == "__main__":
    _main()
