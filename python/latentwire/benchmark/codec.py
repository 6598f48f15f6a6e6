"""What every contestant of the benchmark can do, and the check that it does it."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Codec", "find_fault", "missing_modules"]


class Codec(ABC):
    """Latents to bytes and back. Modules are imported when an object is made, not before."""

    name: ClassVar[str]
    """As it stands in the rows, with the type of the numbers on the wire."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Modules that must be importable."""
    tolerance: ClassVar[float] = 1e-3
    """The most that it may lose: root mean square of the error over that of the latents."""

    def prepare(self, latents: NDArray[np.float32]) -> Any:
        """What ``encode`` takes, with the cast to a narrower type done.

        It is not timed: peers are compared at their best, with the numbers already narrow.
        """
        return latents.astype(np.float16)

    @abstractmethod
    def encode(self, prepared: Any) -> Any:
        """The bytes to send: ``bytes`` or a buffer that can be sent as it is. Timed."""

    @abstractmethod
    def decode(self, data: Any) -> Any:
        """The numbers again, as the codec gives them: no cast back to float32. Timed."""

    def restore(self, decoded: Any) -> NDArray[np.float32]:
        """What ``decode`` gave, as float32 of its shape. Not timed."""
        return np.asarray(decoded, dtype=np.float32)


def missing_modules(codec: type[Codec]) -> list[str]:
    """Modules of ``needs`` that are not installed."""
    return [name for name in codec.needs if importlib.util.find_spec(name) is None]


def find_fault(codec: Codec, latents: NDArray[np.float32]) -> str | None:
    """Send the latents once and say what is wrong with what arrives, if anything is."""
    arrived = codec.restore(codec.decode(codec.encode(codec.prepare(latents))))
    if arrived.shape != latents.shape:
        return f"decodes to shape {arrived.shape} instead of {latents.shape}"
    error = float(np.sqrt(np.mean((arrived - latents) ** 2) / np.mean(latents**2)))
    if not error <= codec.tolerance:  # a NaN is a fault too
        return f"decodes with a relative error of {error:.2g}, more than {codec.tolerance:g}"
    return None
