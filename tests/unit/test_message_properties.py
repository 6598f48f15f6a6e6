"""Properties of messages over generated headers, sections and batches.

Those of the payload encodings stand in `test_message.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from latentwire import errors
from latentwire.message import (
    Compression,
    Encoding,
    Message,
    ModelRef,
    Packet,
    Section,
    SpaceRef,
    quantize_roundtrip,
)

encodings: st.SearchStrategy[Encoding] = st.sampled_from(["f32", "f16", "bf16", "int8"])
compressions: st.SearchStrategy[Compression] = st.sampled_from(["none", "zstd"])
sixteen_bytes = st.binary(min_size=16, max_size=16)
# No control characters (Cc) and no surrogates (Cs); at most 4 bytes a character.
names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=63)
models = st.builds(
    ModelRef, name=names, fingerprint=sixteen_bytes, revision=st.one_of(st.just(""), names)
)
spaces = st.builds(SpaceRef, name=names, fingerprint=sixteen_bytes)
sections = st.lists(st.builds(Section, st.integers(8, 8191), st.binary(max_size=40)), max_size=5)
numbers = st.floats(-1e4, 1e4, width=32)
messages = st.builds(
    Message,
    latents=hnp.arrays(
        np.float32, hnp.array_shapes(min_dims=1, max_dims=4, max_side=5), elements=numbers
    ),
    sender=models,
    space=spaces,
    receiver=st.none() | models,
    sections=sections,
    message_id=sixteen_bytes,
)


@given(message=messages, encoding=encodings, compression=compressions)
def test_everything_but_precision_survives(
    message: Message, encoding: Encoding, compression: Compression
) -> None:
    packet = message.encode(encoding, compression=compression)
    found = Packet.from_bytes(bytes(packet)).decode()
    assert (found.message_id, found.sender) == (message.message_id, message.sender)
    assert (found.receiver, found.space) == (message.receiver, message.space)
    assert found.sections == tuple(sorted(message.sections, key=lambda section: section.type))
    np.testing.assert_array_equal(found.latents, quantize_roundtrip(message.latents, encoding))
    assert found.encode(encoding, compression=compression) == packet


@given(message=messages, encoding=encodings)
def test_sections_and_payload_lie_where_the_packet_says(
    message: Message, encoding: Encoding
) -> None:
    packet = message.encode(encoding)
    data = bytes(packet)
    carried = sorted(message.sections, key=lambda section: section.type)
    assert [(info.type, info.critical) for info in packet.sections] == [
        (1, True),
        *((section.type, False) for section in carried),
    ]
    for info, section in zip(packet.sections[1:], carried, strict=True):
        assert data[info.offset : info.offset + info.length] == section.body
    latents = packet.sections[0]
    assert latents.offset < packet.payload_offset
    assert packet.payload_offset + packet.payload_length == latents.offset + latents.length
    if encoding == "f32":
        payload = data[packet.payload_offset :][: packet.payload_length]
        assert payload == message.latents.astype("<f4").tobytes()


@given(message=messages, cut=st.integers(0, 10_000))
def test_every_beginning_of_a_packet_is_truncated(message: Message, cut: int) -> None:
    data = bytes(message.encode())
    with pytest.raises(errors.TruncatedPacketError):
        Packet.from_bytes(data[: cut % len(data)])


@given(
    batch=hnp.arrays(np.float32, (3, 2, 4), elements=numbers),
    encoding=encodings,
)
def test_a_batch_is_quantized_as_its_messages_are(batch: Any, encoding: Encoding) -> None:
    found = quantize_roundtrip(batch, encoding)
    for one, expected in zip(batch, found, strict=True):
        np.testing.assert_array_equal(quantize_roundtrip(one, encoding), expected)
    np.testing.assert_array_equal(quantize_roundtrip(found, encoding), found)
