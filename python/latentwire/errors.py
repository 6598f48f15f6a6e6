"""The exception tree of latentwire: one class per thing that a caller can act on.

Everything raised on purpose is a `LatentwireError`. Its text is one line that says what was
expected and what was found; `hint` says what to do next, and `exit_code` is what a command that
ends with this error exits with (2: the request was wrong, 1: the world was).

This module imports nothing, so every other module may import it. The native module raises the
`WireError` classes from here too: there is one tree, not one per language.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CheckpointError",
    "ChecksumError",
    "ChoicesError",
    "DataError",
    "DiskFullError",
    "EmptyTextError",
    "HostUnreachableError",
    "HubError",
    "InvalidMessageError",
    "LatentwireError",
    "LimitExceededError",
    "MalformedPacketError",
    "MissingExtraError",
    "ModelNotFoundError",
    "PortInUseError",
    "RecipeError",
    "RemoteError",
    "SpaceMismatchError",
    "StreamIndexError",
    "StreamLockedError",
    "TextTooLongError",
    "TrainingError",
    "TruncatedPacketError",
    "UnsupportedFeatureError",
    "UnsupportedVersionError",
    "UntrustedPacketError",
    "UsageError",
    "WireError",
]


class LatentwireError(Exception):
    """Root of every error that latentwire raises on purpose.

    Args:
        message: one line: what was expected, what was found, and where.
        hint: what the reader can do about it, or None. Printed after the error as `hint: ...`.
    """

    exit_code: ClassVar[int] = 1
    """What a command that ends with this error exits with."""

    hint: str | None

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(LatentwireError, ValueError):
    """The request itself is wrong, and no retry will mend it. Commands exit with 2."""

    exit_code: ClassVar[int] = 2


# --- Packets -------------------------------------------------------------------------------------


class WireError(LatentwireError):
    """A packet cannot be read, or a message cannot be written.

    Args:
        message: one line with the offset, what was expected and what was found.
        id: stable name of the exact finding, for example `"checksum.mismatch"`. Programs may
            compare it: an id is never renamed and never reused.
        offset: byte of the packet at which the finding was made, or None if it has no place.
        hint: see `LatentwireError`.
    """

    id: str
    offset: int | None

    def __init__(
        self,
        message: str = "",
        *,
        id: str = "",
        offset: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.id = id
        self.offset = offset


class TruncatedPacketError(WireError):
    """The bytes end before the packet does: wait for the rest, or send it again."""


class ChecksumError(WireError):
    """The bytes are not those that were written: send the packet again."""


class UnsupportedVersionError(WireError):
    """The packet has a major version that this release cannot read: upgrade the reader."""


class UnsupportedFeatureError(WireError):
    """The packet is sound, but it needs something that this reader does not have.

    An unknown critical section, payload encoding, profile or lossless stage.
    """


class MalformedPacketError(WireError):
    """The bytes break a rule of the format. No honest writer of this version wrote them."""


class UntrustedPacketError(WireError):
    """Nothing shows that the packet is new and from whom it should be. Do not act on it."""


class LimitExceededError(WireError):
    """Reading the packet would spend more than the caller's `Limits` allow.

    Or a `Verifier` has no room for one more session of a key.
    """


class InvalidMessageError(WireError, UsageError):
    """The message cannot be written: a wrong shape, a latent that is not finite, a long name."""


class StreamIndexError(WireError):
    """An index of packets is damaged, or not that of its stream: open the stream again."""


class StreamLockedError(LatentwireError):
    """Another writer has the stream open."""


# --- Models, spaces and texts --------------------------------------------------------------------


class ModelNotFoundError(UsageError):
    """No model of that name; the text lists those that there are."""


class CheckpointError(LatentwireError):
    """A folder of trained parts lacks a file, or a file does not fit the others."""


class SpaceMismatchError(LatentwireError):
    """The packet speaks another latent space than the one that the receiver hears."""


class EmptyTextError(UsageError):
    """There is no text to send."""


class TextTooLongError(UsageError):
    """The text is longer than the sender takes."""


class ChoicesError(UsageError):
    """The answers to choose from are missing, empty or repeated."""


class DataError(UsageError):
    """Data of the user's own lacks a file, a split, a column or a label, or cannot be read."""


class RecipeError(UsageError):
    """A training recipe has a field that is unknown, missing or out of range."""


class TrainingError(LatentwireError):
    """A training run cannot go on, e.g. because its loss is no longer a number."""


class DiskFullError(LatentwireError):
    """There is no room on the disk; what was written before is still whole."""


class MissingExtraError(LatentwireError):
    """An optional dependency is not installed; the hint says which extra brings it."""


# --- The exchange --------------------------------------------------------------------------------


class HostUnreachableError(LatentwireError):
    """Nobody answers at that address, after the retries that were allowed."""


class HubError(LatentwireError):
    """A hub of models did not take what was to be published."""


class PortInUseError(LatentwireError):
    """Another process listens on the port that the host was told to take."""


class RemoteError(LatentwireError):
    """The host at the other end answered with an error of its own."""
