"""What writers are given: options that look alike, arrays that are no numbers, and copies."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from latentwire import errors
from latentwire.bfloat16 import BFloat16
from latentwire.limits import Limits
from latentwire.message import Message, ModelRef, Packet, SpaceRef
from latentwire.packet_encoder import PacketEncoder, decode_many
from latentwire.resources import Dictionary, EntropyTables, Resources
from latentwire.sections import Metadata

SENDER = ModelRef(name="tiny-llama", fingerprint=bytes(16))
SPACE = SpaceRef(name="tiny-v1", fingerprint=bytes(16))
NUMBERS = np.random.default_rng(1).standard_normal((8, 16)).astype(np.float32)


def message(latents: Any = NUMBERS) -> Message:
    return Message(latents=latents, sender=SENDER, space=SPACE, message_id=bytes(16))


# --- Options -------------------------------------------------------------------------------------


def test_equal_options_of_other_types_are_one_form_in_any_order() -> None:
    """The form is looked up by its options; 0 and False, 9 and np.int64(9) must not be mixed up."""
    for asymmetric, scales, level in ((0, np.int64(4), np.int64(7)), (False, 4, 7)):
        packet = message().encode("int8", asymmetric=asymmetric, scales=scales, level=level)  # type: ignore[arg-type]
        assert bytes(packet) == bytes(message().encode("int8", scales=4))
    assert message().encode("int4", asymmetric=1) == message().encode("int4", asymmetric=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "id", "said"),
    [
        ({"level": 6.0}, "message.level", "no level 6.0 of zstd"),
        ({"level": 99}, "message.level", "no level 99 of zstd"),
        ({"level": 0, "compression": "auto"}, "message.level", "from 1 to 22"),
        ({"scales": [4]}, "message.form", r"found 'int8', \[4\]"),
        ({"scales": 4.0}, "message.layout", "no scales are shared by 4.0"),
        ({"scales": -4}, "message.layout", "no scales are shared by -4"),
        ({"asymmetric": "no"}, "message.layout", "expected True or False, found 'no'"),
    ],
)
def test_options_that_there_are_not(options: dict[str, Any], id: str, said: str) -> None:
    for write in (
        message().encode,
        lambda **form: PacketEncoder(sender=SENDER, space=SPACE, **form),
    ):
        with pytest.raises(errors.InvalidMessageError, match=said) as caught:
            write(**options)
        assert caught.value.id == id
    assert message().encode(level=6) == message().encode()  # and what is right afterwards works


@pytest.mark.parametrize("number", [-1, 2**32, 1.5, None])
def test_messages_are_numbered_below_two_to_the_32(number: Any) -> None:
    with pytest.raises(errors.InvalidMessageError, match="expected a number of a message"):
        PacketEncoder(sender=SENDER, space=SPACE, first_number=number)


@pytest.mark.parametrize("value", [-1, 2**63, 1.5, "8"])
def test_limits_are_counts(value: Any) -> None:
    with pytest.raises(errors.UsageError, match="expected elements to be a number from 0"):
        Limits(elements=value)


def test_tables_have_a_known_axis() -> None:
    with pytest.raises(errors.InvalidMessageError, match="no models by 'foo': expected shared"):
        EntropyTables.fit(NUMBERS[None], axis="foo")  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidMessageError, match="no models by 'foo': expected shared"):
        EntropyTables.fit_codes(np.ones((2, 3), np.uint8), 4, axis="foo")  # type: ignore[arg-type]


def test_auto_tries_dictionaries_at_the_level_that_is_asked_for() -> None:
    written = message(np.tile(NUMBERS, (1, 8)))
    plain = written.encode("f32")
    payload = bytes(plain)[plain.payload_offset :][: plain.payload_length]
    resources = Resources(dictionaries=[Dictionary(payload)])
    packet = written.encode("f32", compression="auto", resources=resources)
    assert packet == written.encode("f32", compression="zstd", resources=resources)
    assert packet.compression == "zstd-dictionary"
    assert (packet.decode(resources=resources).latents == written.latents).all()
    with pytest.raises(errors.UnsupportedFeatureError) as caught:
        packet.decode()
    assert caught.value.hint is not None
    assert "resources=Resources" in caught.value.hint


# --- Numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latents", "found"),
    [
        (np.array([[1 + 2j]]), "values of type complex128"),
        (np.ma.masked_array([[1.0, 99.0]], mask=[[False, True]]), "a masked array"),
        ([["1", "2"]], "values of type <U1"),
        (np.array([[True, False]]), "values of type bool"),
        ([[None]], "values of type object"),
        ([[1.0], [1.0, 2.0]], "list: setting an array element"),
        (torch.ones(2, 2, dtype=torch.complex64), "values of type torch.complex64"),
        (torch.ones(2, 2, dtype=torch.bool), "values of type torch.bool"),
        (np.array([["2026-11-28"]], "datetime64[D]"), "values of type datetime64"),
    ],
)  # fmt: skip
def test_what_is_no_array_of_real_numbers_is_refused(latents: Any, found: str) -> None:
    encoder = PacketEncoder(sender=SENDER, space=SPACE)
    for write in (message, encoder.encode):
        with pytest.raises(errors.InvalidMessageError, match=found) as caught:
            write(latents)
        assert caught.value.id == "message.numbers"


def test_bits_of_bfloat16_are_uint16() -> None:
    with pytest.raises(errors.InvalidMessageError, match="expected uint16, found float32"):
        BFloat16(np.array([[1.5, 2.5]], np.float32))  # type: ignore[arg-type]
    bits = np.array([[0x3FC0, 0, 0x4020, 0]], np.uint16)[:, ::2]  # 1.5 and 2.5, not contiguous
    encoder = PacketEncoder(sender=SENDER, space=SPACE, encoding="bf16")
    for packet in (message(BFloat16(bits)).encode("bf16"), encoder.encode(BFloat16(bits))):
        (latents,) = decode_many([packet])
        assert latents.tolist() == [[1.5, 2.5]]


# --- Many ----------------------------------------------------------------------------------------


def test_of_many_packets_the_refused_one_is_named() -> None:
    packets = [bytes(message().encode()) for _ in range(5)]
    packets[3] = packets[3][:-1] + bytes([packets[3][-1] ^ 1])
    with pytest.raises(errors.ChecksumError, match=r"^packet 3 of 5: ") as caught:
        decode_many(packets)
    assert caught.value.id == "checksum.mismatch"


# --- Copies --------------------------------------------------------------------------------------


def test_packets_and_what_they_need_can_be_pickled_and_copied() -> None:
    read = Packet.from_bytes(bytes(message().encode()))
    assert read.shape == (8, 16)  # taken apart, which a pickle does not keep
    tables = EntropyTables.fit(NUMBERS[None], "int4")
    samples = [NUMBERS[i : i + 1].tobytes() * 8 for i in range(8)]
    dictionary = Dictionary(b"".join(samples)[:1024])
    metadata = Metadata({"run": 7})
    for twice in (copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        assert twice(read) == read
        assert twice(read).shape == (8, 16)
        assert twice(metadata) == metadata
        assert twice(tables) == tables
        found = twice(Resources(tables=[tables], dictionaries=[dictionary]))
        assert list(found.tables) == [tables]
        assert bytes(found.dictionaries[0]) == bytes(dictionary)
