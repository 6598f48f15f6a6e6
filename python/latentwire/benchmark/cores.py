"""What cores bring to work that shares nothing: the most that a batch can gain from them.

On rented machines two cores are seldom twice one: they may be halves of the same, run slower
together than one does alone, or be lent to others for a while.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from hashlib import sha256

__all__ = ["hashing"]

BLOCK = bytes(16 << 10)
"""Fits into the nearest cache, so that no memory is shared."""
BLOCKS = 1024
"""About as long as a batch of messages."""


def hashing(threads: int) -> Callable[[], object]:
    """A call that hashes the same blocks in so many threads, each its share of them."""

    def share() -> None:
        for _ in range(BLOCKS // threads):
            sha256(BLOCK).digest()  # Python runs other threads meanwhile

    def call() -> None:
        others = [threading.Thread(target=share) for _ in range(threads - 1)]
        for other in others:
            other.start()
        share()
        for other in others:
            other.join()

    return call
