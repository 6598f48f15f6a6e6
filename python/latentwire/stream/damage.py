"""What in a stream is no sound packet, and how errors say where in the stream it is."""

from __future__ import annotations

from dataclasses import dataclass

from latentwire.errors import WireError

NativeDamage = tuple[int, int, bool, WireError]
"""First byte, end, whether it is torn, and what is wrong, as the native module says it."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a stream that are not part of a sound packet.

    Attributes:
        offset: The first of them.
        length: How many.
        torn: Whether the stream simply ends inside the packet that begins there, as after a crash.
        error: What is wrong at the first of them.
    """

    offset: int
    length: int
    torn: bool
    error: WireError


def damage_of(native: NativeDamage) -> Damage:
    """As the native module says it, as one of ours."""
    start, stop, torn, error = native
    return Damage(start, stop - start, torn, error)


def placed_in_stream(error: WireError, start: int) -> WireError:
    """The error of a packet as one of its stream."""
    text = f"packet at byte {start} of the stream: {error}"
    offset = start + (error.offset or 0)
    return type(error)(text, id=error.id, offset=offset, hint=error.hint)
