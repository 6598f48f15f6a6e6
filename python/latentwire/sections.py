"""What may stand beside the latents of a message: literals, text, answer space, metadata, trace.

    sections = [Text(source).to_section(), Metadata({"run": 7}).to_section()]
    packet = Message(latents=latents, sender=sender, space=space, sections=sections).encode()

    text = Text.find(packet.decode().sections)

A packet holds at most one of each. Reading a packet does not look into them; `from_section` and
`find` do, and refuse whatever `to_section` would not have written.
"""

from __future__ import annotations

import re
import typing
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Self, cast, get_args

from latentwire import _native
from latentwire.errors import InvalidMessageError, UsageError
from latentwire.forms import ZSTD_LEVEL
from latentwire.message import DEFAULT_LIMITS, Limits, Section

__all__ = [
    "AnswerSpace",
    "Choices",
    "FreeText",
    "JsonSchema",
    "Literal",
    "LiteralKind",
    "Literals",
    "Metadata",
    "Text",
    "Trace",
    "Value",
]

LiteralKind = typing.Literal["other", "number", "name", "code", "url", "date", "quote"]
"""What a literal is."""
Value = None | bool | int | float | str | bytes
"""What a key of the metadata may stand for: an int has 64 bits, a float is finite."""

_U32 = range(2**32)
_I64 = range(-(2**63), 2**63)
_MAX_STATE_BYTES = 512
_MAX_STATE_MEMBERS = 32
_TRACEPARENT = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)


class _Typed(ABC):
    """A section of a known type."""

    __slots__ = ()

    TYPE: ClassVar[int]
    """The type of the section."""

    @abstractmethod
    def _body(self) -> bytes: ...

    @classmethod
    @abstractmethod
    def _read(cls, body: bytes, offset: int, limits: Limits) -> Self: ...

    def to_section(self) -> Section:
        """The section that says this: one value has one body.

        Raises:
            InvalidMessageError: If the value has no body.
        """
        return Section(self.TYPE, self._body())

    @classmethod
    def from_section(
        cls, section: Section, limits: Limits = DEFAULT_LIMITS, *, offset: int = 0
    ) -> Self:
        """What a section says.

        Args:
            section: Of this type.
            limits: What to spend on it.
            offset: Where the body begins in its packet, so that errors can say where.

        Raises:
            UsageError: If the section is of another type.
            WireError: If its body breaks a rule; the subclass says why, ``id`` exactly.
        """
        if section.type != cls.TYPE:
            raise UsageError(
                f"{cls.__name__} is read from a section of type {cls.TYPE}, not {section.type}"
            )
        return cls._read(section.body, offset, limits)

    @classmethod
    def find(cls, sections: Iterable[Section], limits: Limits = DEFAULT_LIMITS) -> Self | None:
        """What the section of this type says, None if there is none among them.

        Raises:
            WireError: See ``from_section``.
        """
        of_type = (section for section in sections if section.type == cls.TYPE)
        found = next(of_type, None)
        return None if found is None else cls.from_section(found, limits)


@dataclass(frozen=True, slots=True)
class Literal:
    """A span of the source that must arrive exactly.

    Attributes:
        text: The span, at least one byte.
        position: The byte of the source, as UTF-8, at which it begins.
        kind: What it is, so that a receiver knows how to use it.
    """

    text: str
    position: int
    kind: LiteralKind = "other"


@dataclass(frozen=True, slots=True)
class Literals(_Typed):
    """Numbers, names and other spans of the source, which latents do not promise to keep.

    Attributes:
        spans: In the order of the source, at least one, none overlapping another.
    """

    TYPE: ClassVar[int] = 2

    spans: tuple[Literal, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(self.spans))

    def check_against(self, source: str) -> None:
        """Refuse literals that do not stand in ``source`` where they say.

        Raises:
            MalformedPacketError: If one does not; its ``id`` is ``literals.source``.
        """
        _native.check_literals(self._tuples(), _unicode(source))

    def _tuples(self) -> list[tuple[str, int, str]]:
        kinds = get_args(LiteralKind)
        for span in self.spans:
            if span.kind not in kinds:
                raise _unwritable(f"a kind among {', '.join(kinds)}", repr(span.kind))
            if span.position not in _U32:
                raise _unwritable("a position below 2**32", str(span.position))
        return [(span.kind, span.position, _unicode(span.text)) for span in self.spans]

    def _body(self) -> bytes:
        return _native.encode_literals(self._tuples())

    @classmethod
    def _read(cls, body: bytes, offset: int, limits: Limits) -> Self:
        read = _native.decode_literals(body, offset, limits._tuple())
        spans = (
            Literal(text, position, typing.cast(LiteralKind, kind)) for kind, position, text in read
        )
        return cls(tuple(spans))


@dataclass(frozen=True, slots=True)
class Text(_Typed):
    """The source of the latents, whole and exact.

    Attributes:
        text: At least one byte of UTF-8.
    """

    TYPE: ClassVar[int] = 3

    text: str

    def to_section(
        self, compression: typing.Literal["none", "zstd"] = "none", *, level: int = ZSTD_LEVEL
    ) -> Section:
        """The section that says this.

        Args:
            compression: ``none`` gives the one canonical body, ``zstd`` a compressed one where it
                is shorter.
            level: 1 to 22, for zstd.

        Raises:
            InvalidMessageError: If the text is empty or not Unicode, or if there is no such
                compression or level.
        """
        if compression not in ("none", "zstd"):
            raise InvalidMessageError(
                f"there is no compression {compression!r}: expected none or zstd",
                id="message.stage",
            )
        return Section(self.TYPE, self._body(level if compression == "zstd" else None))

    def _body(self, level: int | None = None) -> bytes:
        return _native.encode_text(_unicode(self.text), level)

    @classmethod
    def _read(cls, body: bytes, offset: int, limits: Limits) -> Self:
        return cls(_native.decode_text(body, offset, limits._tuple()))


class AnswerSpace(_Typed):
    """What the sender expects an answer to look like.

    It is one of ``Choices``, ``JsonSchema`` and ``FreeText``; ``AnswerSpace.from_section`` and
    ``AnswerSpace.find`` give whichever a section holds.
    """

    __slots__ = ()

    TYPE: ClassVar[int] = 4

    @classmethod
    def _read(cls, body: bytes, offset: int, limits: Limits) -> Self:
        read = _native.decode_answer_space(body, offset, limits._tuple())
        space: AnswerSpace
        match read:
            case list():
                space = Choices(tuple(read))
            case str():
                space = JsonSchema(read)
            case int():
                space = FreeText(read or None)
        if not isinstance(space, cls):
            raise UsageError(
                f"the section holds {type(space).__name__}, not {cls.__name__}",
                hint="AnswerSpace.from_section reads any of them",
            )
        return space


@dataclass(frozen=True, slots=True)
class Choices(AnswerSpace):
    """An answer is one of these.

    Attributes:
        labels: In the sender's order; at least one, none empty, none twice.
    """

    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(cast(object, self.labels), str):
            raise _unwritable("a list of choices", f"the one text {self.labels!r}")
        object.__setattr__(self, "labels", tuple(self.labels))

    def _body(self) -> bytes:
        return _native.encode_choices([_unicode(label) for label in self.labels])


@dataclass(frozen=True, slots=True)
class JsonSchema(AnswerSpace):
    """An answer is JSON that this schema allows.

    Attributes:
        schema: A JSON Schema as text. It is not parsed here.
    """

    schema: str

    def _body(self) -> bytes:
        return _native.encode_schema(_unicode(self.schema))


@dataclass(frozen=True, slots=True)
class FreeText(AnswerSpace):
    """An answer is any text.

    Attributes:
        max_tokens: The most tokens of the receiver, at least 1; None: the receiver decides.
    """

    max_tokens: int | None = None

    def _body(self) -> bytes:
        bound = self.max_tokens
        if bound is not None and (bound < 1 or bound not in _U32):
            raise _unwritable("a bound of 1 to 2**32 - 1 tokens, or None", str(bound))
        return _native.encode_free_text(bound or 0)


@dataclass(frozen=True, slots=True, eq=False)
class Metadata(_Typed):
    """What else there is to say, as keys and values.

    Two are equal if their values are equal and of equal type: ``True``, ``1`` and ``1.0`` differ.

    Attributes:
        entries: At least one. Keys have 1 to 255 bytes of UTF-8 without control characters.
    """

    TYPE: ClassVar[int] = 5

    entries: Mapping[str, Value]

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", MappingProxyType(dict(self.entries)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Metadata) and self._typed() == other._typed()

    def __hash__(self) -> int:
        return hash(self._typed())

    def __reduce__(self) -> tuple[type[Metadata], tuple[dict[str, Value]]]:
        return (Metadata, (dict(self.entries),))  # a view of a mapping cannot be pickled

    def _typed(self) -> frozenset[tuple[str, type, Value]]:
        return frozenset((key, type(value), value) for key, value in self.entries.items())

    def _body(self) -> bytes:
        for key, value in self.entries.items():
            _unicode(key)
            _check_value(key, value)
        return _native.encode_metadata(dict(self.entries))

    @classmethod
    def _read(cls, body: bytes, offset: int, limits: Limits) -> Self:
        return cls(_native.decode_metadata(body, offset, limits._tuple()))


@dataclass(frozen=True, slots=True)
class Trace(_Typed):
    """The place of a message in a distributed trace, by W3C Trace Context.

    Attributes:
        trace_id: 16 bytes, not all zero: names the trace.
        parent_id: 8 bytes, not all zero: names the span that sent the message.
        flags: 1 if the sender may have recorded the trace, plus 2 if the trace id is random.
        state: What tracing systems hand on: ``key=value``, separated by commas without spaces, at
            most 32 members and 512 bytes.
    """

    TYPE: ClassVar[int] = 6
    SAMPLED: ClassVar[int] = 1
    RANDOM: ClassVar[int] = 2

    trace_id: bytes
    parent_id: bytes
    flags: int = 0
    state: str = ""

    @classmethod
    def from_headers(cls, traceparent: str, tracestate: str = "") -> Self:
        """The trace that the headers of a request name.

        Flags without a meaning here, spaces around commas and empty members are left out, and so
        are the last members of a tracestate that is too long, and one that breaks the grammar: W3C
        has those who hand a trace on do the same.

        Raises:
            InvalidMessageError: If ``traceparent`` is none.
        """
        found = _TRACEPARENT.fullmatch(traceparent.strip())
        if (
            found is None
            or found["version"] == "ff"
            or (found["version"] == "00" and found["more"])
            or not int(found["trace"], 16)
            or not int(found["parent"], 16)
        ):
            raise _unwritable("a traceparent", repr(traceparent))
        stripped = (member.strip(" \t") for member in tracestate.split(","))
        members = list(filter(None, stripped))[:_MAX_STATE_MEMBERS]
        while len(",".join(members)) > _MAX_STATE_BYTES:
            members.pop()
        trace = cls(
            trace_id=bytes.fromhex(found["trace"]),
            parent_id=bytes.fromhex(found["parent"]),
            flags=int(found["flags"], 16) & (cls.SAMPLED | cls.RANDOM),
            state=",".join(members),
        )
        try:
            trace._body()
        except InvalidMessageError:  # of its state: nothing else is left to be wrong
            return replace(trace, state="")
        return trace

    @property
    def traceparent(self) -> str:
        """The header ``traceparent`` that names this place."""
        return f"00-{self.trace_id.hex()}-{self.parent_id.hex()}-{self.flags:02x}"

    def _body(self) -> bytes:
        for what, value, size in (("trace", self.trace_id, 16), ("parent", self.parent_id, 8)):
            if len(value) != size:
                raise _unwritable(f"a {what} id of {size} bytes", str(len(value)))
        if self.flags not in range(256):
            raise _unwritable("flags of one byte", str(self.flags))
        return _native.encode_trace(self.trace_id, self.parent_id, self.flags, _unicode(self.state))

    @classmethod
    def _read(cls, body: bytes, offset: int, limits: Limits) -> Self:
        return cls(*_native.decode_trace(body, offset, limits._tuple()))


def _unwritable(expected: str, found: str) -> InvalidMessageError:
    return InvalidMessageError(
        f"a section cannot be written: expected {expected}, found {found}", id="message.section"
    )


def _unicode(text: str) -> str:
    """Refuse what is no text, and what UTF-8 cannot say."""
    if not isinstance(cast(object, text), str):
        raise _unwritable("text", repr(text))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _unwritable("text that UTF-8 can hold", ascii(text)) from error
    return text


def _check_value(key: str, value: Any) -> None:
    if not isinstance(value, get_args(Value)):
        expected = "None, a bool, an int, a float, a str or bytes"
        raise _unwritable(f"{expected} for {key!r}", type(value).__name__)
    if isinstance(value, int) and value not in _I64:
        raise _unwritable(f"an integer of 64 bits for {key!r}", str(value))
    if isinstance(value, str):
        _unicode(value)
