"""bfloat16 in and out: no copy where none is needed, the same packets as float32 gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from latentwire import errors
from latentwire.bfloat16 import BFloat16
from latentwire.message import Message, ModelRef, Packet, SpaceRef
from latentwire.packet_encoder import PacketEncoder

SENDER = ModelRef(name="a", fingerprint=bytes(16))
SPACE = SpaceRef(name="s", fingerprint=bytes(16))
TENSOR = torch.randn(5, 4, 8, generator=torch.Generator().manual_seed(1)).bfloat16()


def taken(latents: object) -> BFloat16:
    found = BFloat16.of(latents)
    assert found is not None
    return found


def test_memory_of_torch_is_shared_both_ways() -> None:
    found = taken(TENSOR)
    assert found.bits.__array_interface__["data"][0] == TENSOR.data_ptr()
    assert found.torch().data_ptr() == TENSOR.data_ptr()
    through_dlpack = torch.from_dlpack(found)
    assert through_dlpack.data_ptr() == TENSOR.data_ptr()
    assert torch.equal(through_dlpack, TENSOR)
    np.testing.assert_array_equal(np.asarray(found), TENSOR.float().numpy())


def test_what_is_not_contiguous_or_has_a_gradient_is_copied() -> None:
    turned = TENSOR[0].T.requires_grad_()
    np.testing.assert_array_equal(np.asarray(taken(turned)), turned.detach().float().numpy())
    assert BFloat16.of(TENSOR.float()) is None
    assert BFloat16.of(np.ones(3, np.float32)) is None
    with pytest.raises(ValueError, match="copy"):
        np.array(taken(TENSOR), copy=False)


def test_arrays_of_ml_dtypes_are_taken() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = TENSOR.float().numpy().astype(ml_dtypes.bfloat16)
    found = taken(array)
    assert np.shares_memory(found.bits, array)
    assert torch.equal(found.torch(), TENSOR)


@pytest.mark.parametrize("encoding", ["bf16", "int8", "f32"])
def test_an_encoder_writes_the_packets_of_the_same_values(encoding: str) -> None:
    form = {"encoding": encoding, "sender": SENDER, "space": SPACE}
    encoder = PacketEncoder(**form)  # type: ignore[arg-type]
    one = Packet.from_bytes(encoder.encode(TENSOR[0]))
    wide = Message(
        latents=TENSOR[0].float().numpy(), sender=SENDER, space=SPACE, message_id=one.message_id
    )
    assert wide.encode(encoding) == one  # type: ignore[arg-type]
    many = encoder.encode_many(TENSOR, threads=2)
    found = [Packet.from_bytes(packet).decode().latents for packet in many]
    expected = [Packet.from_bytes(encoder.encode(row)).decode().latents for row in TENSOR]
    np.testing.assert_array_equal(found, expected)


def test_tensors_of_a_message_stay_in_bfloat16() -> None:
    tensors = {"": TENSOR[0], "layer.0.key": TENSOR[1], "wide": np.ones((2, 2), np.float32)}
    sent = Message(
        latents=np.zeros(0, np.float32),
        tensors=tensors,  # type: ignore[arg-type]
        sender=SENDER,
        space=SPACE,
    )
    assert isinstance(sent.tensors["layer.0.key"], BFloat16)
    packet = sent.encode("bf16")
    found = packet.bfloat16_by_name()
    assert list(found) == ["", "layer.0.key", "wide"]
    assert torch.equal(found["layer.0.key"].torch(), TENSOR[1])
    assert torch.equal(found[""].torch(), TENSOR[0])
    np.testing.assert_array_equal(packet.decode().latents, TENSOR[0].float().numpy())
    assert sent.encode("int8").bfloat16_by_name() == {}


def test_what_is_not_finite_is_refused() -> None:
    encoder = PacketEncoder(sender=SENDER, space=SPACE)
    with pytest.raises(errors.InvalidMessageError) as refused:
        encoder.encode(torch.full((2, 2), torch.inf).bfloat16())
    assert refused.value.id == "message.not_finite"
