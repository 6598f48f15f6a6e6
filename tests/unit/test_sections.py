"""Sections beside the latents from Python: every value survives, everything else is refused."""

from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from latentwire import errors
from latentwire.message import Limits, Message, ModelRef, Packet, Section, SpaceRef
from latentwire.sections import (
    AnswerSpace,
    Choices,
    FreeText,
    JsonSchema,
    Literal,
    LiteralKind,
    Literals,
    Metadata,
    Text,
    Trace,
)

KNOWN = (Literals, Text, AnswerSpace, Metadata, Trace)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
keys = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20
)
values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=40)
    | st.binary(max_size=40)
)


@st.composite
def literals(draw: st.DrawFn) -> Literals:
    spans, end = [], 0
    for _ in range(draw(st.integers(1, 8))):
        text, position = draw(texts), end + draw(st.integers(0, 100_000))
        spans.append(Literal(text, position, draw(st.sampled_from(get_args(LiteralKind)))))
        end = position + len(text.encode())
    return Literals(tuple(spans))


traces = st.builds(
    Trace,
    trace_id=st.binary(min_size=16, max_size=16).filter(any),
    parent_id=st.binary(min_size=8, max_size=8).filter(any),
    flags=st.integers(0, 3),
    state=st.sampled_from(["", "a=1", "a=1,t@v=x y"]),
)
sections = (
    literals()
    | st.builds(Text, texts)
    | st.builds(Choices, st.lists(texts, min_size=1, max_size=8, unique=True))
    | st.builds(JsonSchema, texts)
    | st.builds(FreeText, st.none() | st.integers(1, 2**32 - 1))
    | st.builds(Metadata, st.dictionaries(keys, values, min_size=1, max_size=8))
    | traces
)


@given(value=sections)
def test_every_value_survives(value: Any) -> None:
    section = value.to_section()
    found = type(value).from_section(section)
    assert found == value
    assert hash(found) == hash(value)
    assert found.to_section() == section


@given(kind=st.sampled_from(KNOWN), body=st.binary(max_size=60) | st.binary(max_size=8))
def test_any_body_is_refused_or_the_one_body_of_its_value(kind: Any, body: bytes) -> None:
    try:
        found = kind.from_section(Section(kind.TYPE, body))
    except errors.WireError as error:
        finding = error
    else:
        assert found.to_section().body == body
        return
    assert finding.id
    assert finding.offset in range(len(body) + 1)


@given(value=sections, place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_another_value(value: Any, place: int, bit: int) -> None:
    body = bytearray(value.to_section().body)
    body[place % len(body)] ^= 1 << bit
    kind = AnswerSpace if isinstance(value, AnswerSpace) else type(value)
    try:
        found = kind.from_section(Section(value.TYPE, bytes(body)))
    except errors.WireError:
        return
    assert found != value
    assert found.to_section().body == bytes(body)


@given(text=texts, repeats=st.integers(1, 50))
def test_a_compressed_text_says_the_same(text: str, repeats: int) -> None:
    value = Text(text * repeats)
    section = value.to_section("zstd", level=3)
    assert Text.from_section(section) == value
    assert len(section.body) <= len(value.to_section().body)


def test_sections_travel_with_a_message() -> None:
    source = "Ada owes 4711 to Grace"
    written = [
        Literals((Literal("Ada", 0, "name"), Literal("4711", 9, "number"))),
        Text(source),
        Choices(("yes", "no")),
        Metadata({"run": 7, "dev": True}),
        Trace.from_headers(TRACEPARENT, "a=1"),
    ]
    message = Message(
        latents=np.ones((2, 3), np.float32),
        sender=ModelRef(name="tiny-llama", fingerprint=bytes(16)),
        space=SpaceRef(name="tiny-v1", fingerprint=bytes(range(16))),
        sections=[value.to_section() for value in written],
    )
    found = Packet.from_bytes(bytes(message.encode())).decode().sections
    assert [kind.find(found) for kind in KNOWN] == written
    assert Text.find([]) is None
    literals = Literals.find(found)
    assert literals is not None
    literals.check_against(source)
    with pytest.raises(errors.MalformedPacketError) as caught:
        literals.check_against("Ada owes 4712 to Grace")
    assert caught.value.id == "literals.source"


@pytest.mark.parametrize(
    ("kind", "body", "found", "offset", "error"),
    [
        (Literals, b"\x07\x00\x01a", "literals.kind", 0, errors.UnsupportedFeatureError),
        (Literals, b"\x00\x00\x00", "literals.span", 2, errors.MalformedPacketError),
        (Literals, b"\x00\x00\x01\xff", "section.utf8", 3, errors.MalformedPacketError),
        (Text, b"\x00", "field.overrun", 1, errors.MalformedPacketError),
        (Text, b"\x02a", "text.stage", 0, errors.UnsupportedFeatureError),
        (Text, b"\x01no frame", "text.compressed", 1, errors.MalformedPacketError),
        (AnswerSpace, b"\x03", "answer.kind", 0, errors.UnsupportedFeatureError),
        (AnswerSpace, b"\x00\x01a\x01a", "answer.choice", 3, errors.MalformedPacketError),
        (AnswerSpace, b"\x02\x07\x00", "section.trailing_bytes", 2, errors.MalformedPacketError),
        (Metadata, b"\x01b\x00\x01a\x00", "metadata.order", 3, errors.MalformedPacketError),
        (Metadata, b"\x01\x1b\x00", "metadata.key", 0, errors.MalformedPacketError),
        (Metadata, b"\x01k\x07", "metadata.type", 2, errors.UnsupportedFeatureError),
        (Metadata, b"\x01k\x04" + bytes(7) + b"\x80", "metadata.value", 3, errors.WireError),
        (Metadata, b"\x01k\x03\x80\x00", "varint.not_minimal", 3, errors.MalformedPacketError),
        (Trace, bytes(25), "trace.id", 0, errors.MalformedPacketError),
        (Trace, b"\x01" * 24 + b"\x04", "trace.flags", 24, errors.UnsupportedFeatureError),
        (Trace, b"\x01" * 25 + b"a", "trace.state", 25, errors.MalformedPacketError),
    ],
)
def test_findings_say_what_and_where(
    kind: Any, body: bytes, found: str, offset: int, error: type[errors.WireError]
) -> None:
    with pytest.raises(error) as caught:
        kind.from_section(Section(kind.TYPE, body), offset=100)
    assert (caught.value.id, caught.value.offset) == (found, 100 + offset)


@pytest.mark.parametrize(
    "value",
    [
        Literals(()),
        Literals((Literal("", 0),)),
        Literals((Literal("a", -1),)),
        Literals((Literal("a", 2**32),)),
        Literals((Literal("a", 2**32 - 1),)),
        Literals((Literal("ab", 0), Literal("b", 1))),
        Literals((Literal("a", 0, "poem"),)),  # type: ignore[arg-type]
        Literals((Literal("\ud800", 0),)),
        Text(""),
        Text("\ud800"),
        Choices(()),
        Choices(("",)),
        Choices(("a", "a")),
        Choices(("\ud800",)),
        JsonSchema(""),
        FreeText(0),
        FreeText(-1),
        FreeText(2**32),
        Metadata({}),
        Metadata({"": 1}),
        Metadata({"k" * 256: 1}),
        Metadata({"a\x1b[2J": 1}),
        Metadata({"\ud800": 1}),
        Metadata({"k": "\ud800"}),
        Metadata({"k": 2**63}),
        Metadata({"k": -(2**63) - 1}),
        Metadata({"k": math.nan}),
        Metadata({"k": math.inf}),
        Metadata({"k": [1]}),  # type: ignore[dict-item]
        Trace(bytes(16), b"p" * 8),
        Trace(b"t" * 16, bytes(8)),
        Trace(b"t" * 15, b"p" * 8),
        Trace(b"t" * 16, b"p" * 9),
        Trace(b"t" * 16, b"p" * 8, flags=4),
        Trace(b"t" * 16, b"p" * 8, flags=256),
        Trace(b"t" * 16, b"p" * 8, state="a=1, b=2"),
        Trace(b"t" * 16, b"p" * 8, state="\ud800"),
        Text(None),  # type: ignore[arg-type]
        Metadata({1: 2}),  # type: ignore[dict-item]
    ],
)
def test_values_that_cannot_be_written(value: Any) -> None:
    with pytest.raises(errors.InvalidMessageError) as caught:
        value.to_section()
    assert caught.value.id == "message.section"


def test_compressions_that_do_not_exist() -> None:
    with pytest.raises(errors.InvalidMessageError, match="gzip"):
        Text("a").to_section("gzip")  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidMessageError, match="level"):
        Text("a").to_section("zstd", level=0)
    with pytest.raises(errors.InvalidMessageError, match="the one text"):
        Choices("yes")  # type: ignore[arg-type]


def test_a_section_of_another_type_is_no_value_of_this_one() -> None:
    with pytest.raises(errors.UsageError, match="type 3, not 5"):
        Text.from_section(Section(5, b"\x00a"))
    with pytest.raises(errors.UsageError, match="JsonSchema, not Choices"):
        Choices.from_section(JsonSchema("{}").to_section())


def test_limits_are_the_callers() -> None:
    many = Choices(tuple(str(number) for number in range(5000)))
    with pytest.raises(errors.LimitExceededError) as caught:
        Choices.from_section(many.to_section())
    assert caught.value.id == "limit.items"
    assert Choices.from_section(many.to_section(), Limits(items=5000)) == many
    bomb = Text("a" * 100_000).to_section("zstd")
    with pytest.raises(errors.LimitExceededError) as caught:
        Text.from_section(bomb, Limits(decompressed_bytes=99_999))
    assert caught.value.id == "limit.decompressed_bytes"


def test_metadata_tells_types_apart_and_keeps_what_it_was_given() -> None:
    assert Metadata({"k": True}) != Metadata({"k": 1})
    assert Metadata({"k": 1}) != Metadata({"k": 1.0})
    assert Metadata({"b": 1, "a": 2}).to_section() == Metadata({"a": 2, "b": 1}).to_section()
    entries = {"k": 1}
    metadata = Metadata(entries)
    entries["k"] = 2
    assert metadata.entries["k"] == 1
    with pytest.raises(TypeError):
        metadata.entries["k"] = 3  # type: ignore[index]


def test_trace_headers() -> None:
    trace = Trace.from_headers(TRACEPARENT, " a=1 ,, b=2 ")
    assert (trace.traceparent, trace.state) == (TRACEPARENT, "a=1,b=2")
    assert trace.flags == Trace.SAMPLED
    # Too many members, or too long ones: the last are left out, and what is left can be written.
    many = [f"k{number}=v" for number in range(40)]
    assert Trace.from_headers(TRACEPARENT, ",".join(many)).state == ",".join(many[:32])
    long = Trace.from_headers(
        TRACEPARENT, ",".join(f"k{number}={'v' * 200}" for number in range(9))
    )
    assert Trace.from_section(long.to_section()) == long
    assert long.state.count(",") == 1
    # A later version may add fields and flags: what this one knows of it is kept.
    later = "cc" + TRACEPARENT[2:-2] + "ff-more"
    assert Trace.from_headers(later).flags == Trace.SAMPLED | Trace.RANDOM
    # A state that breaks the grammar is not handed on, and does not keep the message from leaving.
    broken = Trace.from_headers(TRACEPARENT, "no member")
    assert (broken.traceparent, broken.state) == (TRACEPARENT, "")
    assert Trace.from_section(broken.to_section()) == broken
    for bad in (
        "",
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
        TRACEPARENT[:-1],
        TRACEPARENT + "-more",
        "ff" + TRACEPARENT[2:],
        "x" + TRACEPARENT,
    ):
        with pytest.raises(errors.InvalidMessageError, match="traceparent"):
            Trace.from_headers(bad)
