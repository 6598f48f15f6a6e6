"""What a reader is willing to spend on bytes from a stranger."""

from __future__ import annotations

from dataclasses import dataclass

from latentwire import _native
from latentwire.counts import as_int
from latentwire.errors import UsageError

_TOTAL, _ELEMENTS, _SECTIONS, _DECOMPRESSED, _ITEMS = _native.DEFAULT_LIMITS
_COUNTS = range(2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a reader is willing to spend on one packet, checked before anything is allocated.

    Attributes:
        total_bytes: The most bytes of a packet.
        elements: The most numbers in its latents.
        sections: The most sections.
        decompressed_bytes: The most bytes of the payload once its lossless stage is undone.
        items: The most literals, choices or entries of metadata in one section.

    Raises:
        UsageError: If one is negative, or no whole number.
    """

    total_bytes: int = _TOTAL
    elements: int = _ELEMENTS
    sections: int = _SECTIONS
    decompressed_bytes: int = _DECOMPRESSED
    items: int = _ITEMS

    def __post_init__(self) -> None:
        for name in ("total_bytes", "elements", "sections", "decompressed_bytes", "items"):
            value = getattr(self, name)
            count = as_int(value)
            if count is None or count not in _COUNTS:
                raise UsageError(
                    f"Limits: expected {name} to be a number from 0 to 2**63 - 1, found {value!r}"
                )

    def _tuple(self) -> tuple[int, int, int, int, int]:
        sizes = (self.total_bytes, self.elements, self.sections, self.decompressed_bytes)
        return (*sizes, self.items)


DEFAULT_LIMITS = Limits()
"""For packets from strangers."""
UNLIMITED = Limits(
    total_bytes=2**63 - 1, elements=2**63 - 1, sections=2**63 - 1, decompressed_bytes=2**63 - 1
)
"""For bytes that have passed a reader's limits, or were just written here."""
