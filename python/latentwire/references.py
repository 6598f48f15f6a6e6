"""How headers name models, spaces and messages, and how a route stands for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from latentwire import _native
from latentwire.counts import as_int
from latentwire.errors import InvalidMessageError

if TYPE_CHECKING:
    from latentwire._native import _Route

FINGERPRINT_BYTES = 16
PREFIX_BYTES = 12
"""Bytes of a message id that a route stands for."""
_LARGEST_NUMBER = 2**32 - 1


def new_message_id() -> bytes:
    """16 bytes that sort by time: a UUID of version 7 (RFC 9562)."""
    return _native.new_message_id()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """How a header names a model.

    Attributes:
        name: 1 to 255 bytes of UTF-8 without control characters.
        fingerprint: 16 bytes; equal fingerprints mean equal weights of the trained part.
        revision: At most 255 bytes; may be empty.
    """

    name: str
    fingerprint: bytes
    revision: str = ""
    _checked: tuple[bytes, str, str] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    @classmethod
    @lru_cache(maxsize=256)
    def _of(cls, named: tuple[bytes, str, str]) -> ModelRef:
        """As packets name it; the same object for the packets of one sender."""
        fingerprint, name, revision = named
        return cls(name=name, fingerprint=fingerprint, revision=revision)

    def _tuple(self, what: str) -> tuple[bytes, str, str]:
        """For the native module; checked once, since one reference names many messages."""
        if self._checked is None:
            check_sixteen_bytes(f"{what}'s fingerprint", self.fingerprint)
            check_unicode(self.name, self.revision)
            checked = (self.fingerprint, self.name, self.revision)
            object.__setattr__(self, "_checked", checked)
            return checked
        return self._checked


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceRef:
    """How a header names a latent space.

    Attributes:
        name: 1 to 255 bytes of UTF-8 without control characters.
        fingerprint: 16 bytes: the fingerprint of the space's manifest.
    """

    name: str
    fingerprint: bytes
    _checked: tuple[bytes, str] | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    @lru_cache(maxsize=256)
    def _of(cls, named: tuple[bytes, str]) -> SpaceRef:
        """As packets name it; the same object for the packets of one space."""
        fingerprint, name = named
        return cls(name=name, fingerprint=fingerprint)

    def _tuple(self) -> tuple[bytes, str]:
        """For the native module; checked once, since one reference names many messages."""
        if self._checked is None:
            check_sixteen_bytes("space's fingerprint", self.fingerprint)
            check_unicode(self.name)
            checked = (self.fingerprint, self.name)
            object.__setattr__(self, "_checked", checked)
            return checked
        return self._checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What two hosts have agreed on, so that a compact packet need not say it.

    Attributes:
        id: Its number, below 2**32; below 128 it takes one byte.
        sender: From whom.
        space: In what space.
        receiver: To whom; None: anyone who hears the space.
        message_prefix: The first 12 bytes of the message ids on this route; the last four count
            its messages. Drawn unless it is given, and part of what both hosts must have alike.
        codebook: Fingerprint of the codebook of latents that are codes.
        dictionary: Fingerprint of the dictionary of payloads that are compressed with one.
        tables: Fingerprint of the tables of payloads that are entropy coded.
    """

    id: int
    sender: ModelRef
    space: SpaceRef
    receiver: ModelRef | None = None
    message_prefix: bytes = field(default_factory=lambda: new_message_id()[:PREFIX_BYTES])
    codebook: bytes | None = None
    dictionary: bytes | None = None
    tables: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.id <= _LARGEST_NUMBER:
            raise InvalidMessageError(
                f"expected a number of a route below 2**32, found {self.id}", id="message.route"
            )
        if len(self.message_prefix) != PREFIX_BYTES:
            raise InvalidMessageError(
                f"the message prefix of a route must have {PREFIX_BYTES} bytes, "
                f"not {len(self.message_prefix)}",
                id="message.route",
            )
        named = {
            "codebook": self.codebook, "dictionary": self.dictionary, "tables": self.tables
        }  # fmt: skip
        for what, fingerprint in named.items():
            if fingerprint is not None:
                check_sixteen_bytes(f"fingerprint of the {what}", fingerprint)

    def message_id(self, number: int) -> bytes:
        """The id of message ``number`` on this route: 16 bytes, in order of the numbers.

        Raises:
            InvalidMessageError: If the number is not within 0..2**32 - 1.
        """
        return self.message_prefix + check_message_number(number).to_bytes(4)

    def _tuple(self) -> _Route:
        return (
            self.id,
            self.message_prefix,
            self.sender._tuple("sender"),
            None if self.receiver is None else self.receiver._tuple("receiver"),
            self.space._tuple(),
            self.codebook,
            self.dictionary,
            self.tables,
        )


def check_message_number(number: Any) -> int:
    """The number of a message on a route.

    Raises:
        InvalidMessageError: If it is not within 0..2**32 - 1.
    """
    found = as_int(number)
    if found is None or not 0 <= found <= _LARGEST_NUMBER:
        raise InvalidMessageError(
            f"expected a number of a message below 2**32, found {number!r}", id="message.route"
        )
    return found


def check_sixteen_bytes(what: str, value: bytes) -> None:
    """Refuse what is no fingerprint and no message id.

    Raises:
        InvalidMessageError: If there are not 16 bytes.
    """
    if len(value) != FINGERPRINT_BYTES:
        raise InvalidMessageError(
            f"the {what} must have {FINGERPRINT_BYTES} bytes, not {len(value)}", id="message.name"
        )


def check_unicode(*texts: str) -> None:
    """Refuse what UTF-8 cannot say: a name from a file system may hold lone surrogates."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidMessageError(
                f"a name cannot be written: expected text that UTF-8 can hold, found {text!a}",
                id="message.name",
            ) from error
