"""Compact packets, named tensors, codes, shared scales, cutting and batches, from Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from latentwire import errors
from latentwire.message import (
    Codes,
    Encoding,
    Message,
    ModelRef,
    Packet,
    Route,
    Scales,
    ScalesInfo,
    SpaceRef,
)
from latentwire.packet_encoder import PacketEncoder, decode_many
from latentwire.resources import Dictionary, EntropyTables, Resources

SENDER = ModelRef(name="tiny-llama", fingerprint=bytes(16))
SPACE = SpaceRef(name="tiny-v1", fingerprint=bytes(range(16)))
NUMBERS = np.random.default_rng(1).standard_normal((8, 16)).astype(np.float32)
CODES = Codes(np.arange(6, dtype=np.uint16).reshape(2, 3), b"c" * 16, 6)
ROUTE = Route(id=3, sender=SENDER, space=SPACE, codebook=b"c" * 16)


def message(**more: Any) -> Message:
    return Message(**{"latents": NUMBERS, "sender": SENDER, "space": SPACE, **more})


@pytest.mark.parametrize("encoding", ["int8", "int4", "int2", "sign"])
@pytest.mark.parametrize("scales", ["row", "tensor", "channel", 4])
def test_who_shares_a_scale_is_kept(encoding: Encoding, scales: Scales) -> None:
    packet = message().encode(encoding, scales=scales)
    (info,) = packet.tensors
    assert info.scales == ScalesInfo("f16", scales, asymmetric=False)
    bits = {"int8": 8, "int4": 4, "int2": 2, "sign": 1}[encoding]
    count = {"row": 8, "tensor": 1, "channel": 16, 4: 32}[scales]
    assert info.payload_length == 2 * count + 8 * 16 * bits // 8
    assert np.corrcoef(packet.decode().latents.ravel(), NUMBERS.ravel())[0, 1] > 0.7


def test_zero_points_halve_the_error_of_numbers_on_one_side_of_zero() -> None:
    positive = message(latents=np.abs(NUMBERS))
    errors_of = [
        np.abs(positive.encode("int4", asymmetric=wanted).decode().latents - np.abs(NUMBERS)).mean()
        for wanted in (False, True)
    ]
    assert errors_of[1] < errors_of[0] * 0.6


def test_tensors_with_names_and_codes_come_back() -> None:
    tensors = {"layer.0.key": NUMBERS[:2], "layer.0.value": NUMBERS[2:4], "codes": CODES}
    packet = message(tensors=tensors).encode("f32")
    assert [info.name for info in packet.tensors] == ["", *tensors]
    assert [info.encoding for info in packet.tensors] == ["f32", "f32", "f32", "codes"]
    found = packet.decode()
    np.testing.assert_array_equal(found.latents, NUMBERS)
    np.testing.assert_array_equal(found.tensors["layer.0.value"], NUMBERS[2:4])
    codes = found.tensors["codes"]
    assert isinstance(codes, Codes)
    np.testing.assert_array_equal(codes.codes, CODES.codes)
    assert (codes.codebook, codes.size) == (CODES.codebook, CODES.size)
    assert found.encode("f32") == packet


def test_a_message_of_codes_alone() -> None:
    nothing = np.zeros(0, np.float32)
    packet = message(latents=nothing, tensors={"": CODES}).encode()
    assert (packet.encoding, packet.shape) == ("codes", (2, 3))
    found = packet.decode()
    assert found.latents.size == 0
    assert found.encode() == packet


def test_a_compact_packet_is_read_with_its_route() -> None:
    sent = message(message_id=ROUTE.message_id(7), tensors={"codes": CODES})
    compact = sent.encode(route=ROUTE)
    assert compact.route == (7, 3)
    assert len(sent.encode()) - len(compact) > 70
    found = compact.decode(route=ROUTE)
    assert (found.sender, found.space, found.message_id) == (SENDER, SPACE, sent.message_id)
    assert compact.to_self_contained(ROUTE) == sent.encode()
    assert sent.encode().to_compact(ROUTE) == compact
    assert "route 3" in repr(compact)
    np.testing.assert_array_equal(compact.tensors_by_name()[""], found.latents)


def test_a_compact_packet_without_its_route_is_refused() -> None:
    compact = message(message_id=ROUTE.message_id(7)).encode(route=ROUTE)
    for read in (compact.decode, lambda: compact.sender, lambda: compact.message_id):
        with pytest.raises(errors.UnsupportedFeatureError) as caught:
            read()
        assert caught.value.id == "header.route"
        assert caught.value.hint
    other = Route(id=4, sender=SENDER, space=SPACE)
    with pytest.raises(errors.UnsupportedFeatureError):
        compact.decode(route=other)
    with pytest.raises(errors.InvalidMessageError) as refused:
        message().encode(route=ROUTE)
    assert refused.value.id == "message.route"


def test_compact_overhead_is_at_most_24_bytes() -> None:
    latents = np.ones((32, 256), np.float32)
    encodings: list[Encoding] = ["f32", "f16", "bf16", "fp8", "int8", "int4", "int2", "sign"]
    for encoding in encodings:
        sent = message(latents=latents, message_id=ROUTE.message_id(1))
        packet = sent.encode(encoding, route=ROUTE)
        assert len(packet) - packet.payload_length <= 24


def test_the_first_rows_are_those_that_would_have_been_sent_alone() -> None:
    whole = message(message_id=bytes(16))
    alone = message(latents=NUMBERS[:3], message_id=bytes(16))
    assert whole.encode("int4").truncate(3) == alone.encode("int4")
    assert whole.encode().truncate(100) == whole.encode()
    with pytest.raises(errors.InvalidMessageError):
        whole.encode().truncate(0)


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_many_messages_are_written_and_read_as_one_would_be(threads: int | None) -> None:
    latents = np.random.default_rng(2).standard_normal((107, 4, 8)).astype(np.float32)
    encoder = PacketEncoder(sender=SENDER, space=SPACE, encoding="int4")
    packets = encoder.encode_many(latents, threads=threads)
    ids = [Packet.from_bytes(packet).message_id for packet in packets]
    assert len(set(ids)) == 107
    single = [
        bytes(message(latents=row, message_id=id_).encode("int4"))
        for row, id_ in zip(latents, ids, strict=True)
    ]
    assert packets == single
    for found, packet in zip(decode_many(packets, threads=threads), packets, strict=True):
        np.testing.assert_array_equal(found, Packet.from_bytes(packet).decode().latents)


def test_a_batch_reports_the_first_that_is_refused() -> None:
    latents = np.ones((3, 2, 2), np.float32)
    encoder = PacketEncoder(sender=SENDER, space=SPACE)
    packets = encoder.encode_many(latents)
    with pytest.raises(errors.TruncatedPacketError):
        decode_many([packets[0], packets[1][:-1], b"no packet"])
    # What is only found as numbers are decoded comes first as well.
    tables = EntropyTables.fit(np.zeros((1, 1, 9), np.float32), "int8", axis="shared")
    coded = message(latents=np.zeros((1, 900), np.float32))
    unknown = coded.encode(compression="entropy", resources=Resources(tables=[tables]))
    with pytest.raises(errors.UnsupportedFeatureError):
        decode_many([packets[0], bytes(unknown), packets[1][:-1]])
    latents[1, 0, 0] = np.nan
    with pytest.raises(errors.InvalidMessageError):
        encoder.encode_many(latents)
    assert encoder.encode_many(latents[:0]) == []
    assert decode_many([]) == []


def test_an_encoder_writes_what_messages_write() -> None:
    encoder = PacketEncoder(sender=SENDER, space=SPACE, encoding="int4", scales=4)
    first, second = (Packet.from_bytes(encoder.encode(NUMBERS)) for _ in range(2))
    assert first.message_id < second.message_id
    wanted = message(message_id=first.message_id).encode("int4", scales=4)
    assert first == wanted
    with pytest.raises(errors.InvalidMessageError):
        encoder.encode(np.full((2, 2), np.nan))


def test_an_encoder_numbers_the_messages_of_a_route() -> None:
    encoder = PacketEncoder(sender=SENDER, space=SPACE, route=ROUTE, first_number=2**32 - 1)
    packet = Packet.from_bytes(encoder.encode(NUMBERS))
    assert packet.route == (2**32 - 1, ROUTE.id)
    with pytest.raises(OverflowError):
        encoder.encode(NUMBERS)


def test_a_batch_on_a_route_goes_on_where_the_last_message_stopped() -> None:
    encoder = PacketEncoder(sender=SENDER, space=SPACE, route=ROUTE)
    first = encoder.encode(NUMBERS)
    batch = encoder.encode_many(np.stack([NUMBERS] * 3))
    numbers = [(Packet.from_bytes(packet).route or (None,))[0] for packet in (first, *batch)]
    assert numbers == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "wrong",
    [{"id": 2**32}, {"id": -1}, {"message_prefix": b"short"}, {"codebook": b"c"}, {"tables": b""}],
)
def test_a_route_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidMessageError):
        Route(**{"id": 1, "sender": SENDER, "space": SPACE, **wrong})
    with pytest.raises(errors.InvalidMessageError):
        ROUTE.message_id(2**32)
    with pytest.raises(errors.InvalidMessageError):
        message(tensors={"codes": Codes(CODES.codes, b"c", 6)}).encode()


def test_entropy_tables_shorten_codes_and_are_needed_to_read_them() -> None:
    rng = np.random.default_rng(3)
    sample = rng.standard_normal((64, 32, 64)).astype(np.float32)
    tables = EntropyTables.fit(sample, "int4")
    assert EntropyTables.from_bytes(bytes(tables)) == tables
    assert "15 codes" in repr(tables)
    resources = Resources(tables=[tables])
    sent = message(latents=rng.standard_normal((32, 64)).astype(np.float32))
    plain = sent.encode("int4")
    short = sent.encode("int4", compression="entropy", resources=resources)
    assert short.compression == "entropy"
    assert len(short) < len(plain) * 0.92
    found = short.decode(resources=resources).latents
    np.testing.assert_array_equal(found, plain.decode().latents)
    assert short.truncate(4, resources=resources).decode(resources=resources).latents.shape == (
        4,
        64,
    )
    with pytest.raises(errors.UnsupportedFeatureError) as caught:
        short.decode()
    assert caught.value.id == "latents.resource"
    with pytest.raises(errors.InvalidMessageError, match="no tables"):
        sent.encode("int4", compression="entropy")
    auto = sent.encode("int4", compression="auto", resources=resources)
    assert len(auto) <= len(short)
    encoder = PacketEncoder(
        sender=SENDER, space=SPACE, encoding="int4", compression="entropy", resources=resources
    )
    batch = encoder.encode_many(sample[:3])
    assert len(decode_many(batch, resources=resources)) == 3


def test_tables_of_other_codes_are_refused() -> None:
    tables = EntropyTables.fit(NUMBERS[None], "int2")
    resources = Resources(tables=[tables])
    with pytest.raises(errors.InvalidMessageError) as caught:
        message().encode("int4", compression="entropy", resources=resources)
    assert caught.value.id == "message.entropy"
    assert message().encode("int4", compression="auto", resources=resources).compression in (
        "none",
        "zstd",
    )
    with pytest.raises(errors.MalformedPacketError):
        EntropyTables.from_bytes(b"no tables")


def test_a_dictionary_helps_short_payloads() -> None:
    typical = message(message_id=bytes(16)).encode("f32")
    resources = Resources(dictionaries=[Dictionary(bytes(typical))])
    packet = message().encode("f32", compression="zstd", resources=resources)
    assert packet.compression == "zstd-dictionary"
    assert len(packet) < len(typical) / 2
    np.testing.assert_array_equal(packet.decode(resources=resources).latents, NUMBERS)
    with pytest.raises(errors.UnsupportedFeatureError):
        packet.decode()


@pytest.mark.parametrize(
    ("options", "id_"),
    [
        ({"encoding": "f32", "scales": "tensor"}, "message.layout"),
        ({"encoding": "sign", "asymmetric": True}, "message.layout"),
        ({"scales": 3}, "message.group"),
        ({"scales": "column"}, "message.layout"),
        ({"encoding": "int3"}, "message.encoding"),
    ],
)
def test_what_cannot_be_written_says_why(options: dict[str, Any], id_: str) -> None:
    with pytest.raises(errors.InvalidMessageError) as caught:
        message().encode(**options)
    assert caught.value.id == id_


class Handed:
    """Numbers of a library that hands over its memory, and knows no NumPy."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = numbers

    def __dlpack__(self, **how: Any) -> Any:
        return self.numbers.__dlpack__(**how)

    def __dlpack_device__(self) -> Any:
        return self.numbers.__dlpack_device__()


def test_memory_that_is_handed_over_is_not_copied() -> None:
    given = message(latents=Handed(NUMBERS))
    assert np.shares_memory(given.latents, NUMBERS)
    other = message(message_id=given.message_id)
    assert given.encode() == other.encode()
    encoder = PacketEncoder(sender=SENDER, space=SPACE)
    found = Packet.from_bytes(encoder.encode(Handed(NUMBERS))).decode().latents
    assert (found == other.encode().decode().latents).all()


@pytest.mark.parametrize(("wrong", "word"), [(70_000, "70000"), (-1, "-1"), (0.5, "float64")])
def test_indices_that_would_wrap_around_are_refused(wrong: float, word: str) -> None:
    codes = Codes(np.array([wrong, 1]), b"c" * 16, 256)
    with pytest.raises(errors.InvalidMessageError, match=f"found .*{word}") as caught:
        message(tensors={"": codes}, latents=np.zeros(0, np.float32)).encode()
    assert caught.value.id == "message.index"


def test_tables_are_fitted_to_codes() -> None:
    rng = np.random.default_rng(3)
    sample = rng.binomial(6, 0.3, (64, 8, 32))  # int64, as other libraries give them
    tables = EntropyTables.fit_codes(sample, 7)
    assert (tables.alphabet, tables.axis) == (7, "column")
    codes = Codes(sample[0].astype(np.uint16), b"c" * 16, 7)
    coded = message(tensors={"": codes}, latents=np.zeros(0, np.float32))
    resources = Resources(tables=[tables])
    packet = coded.encode(compression="entropy", resources=resources)
    assert packet.payload_length < coded.encode().payload_length
    (found,) = packet.tensors_by_name(resources=resources).values()
    assert isinstance(found, Codes)
    assert (found.codes == sample[0]).all()
    with pytest.raises(errors.InvalidMessageError) as caught:
        EntropyTables.fit_codes(sample, 6)
    assert caught.value.id == "message.index"


def test_a_long_message_is_written_as_a_short_one_is() -> None:
    numbers = np.random.default_rng(1).standard_normal((300, 256), dtype=np.float32)
    encoder = PacketEncoder(sender=SENDER, space=SPACE)  # lets other threads run meanwhile
    found = Packet.from_bytes(encoder.encode(numbers)).decode().latents
    assert (found == message(latents=numbers).encode().decode().latents).all()
