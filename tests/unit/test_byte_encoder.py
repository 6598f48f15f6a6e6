"""Byte encoder: padding is inert, and 8 KB are read in one pass."""

from __future__ import annotations

import pytest
import torch
from latentwire.models import ByteEncoder, ByteEncoderConfig

TEXTS = ["ja", "é ü 語", "how do i change my pin ?", "x" * 333, "a word " * 200]


@pytest.fixture(scope="module")
def encoder() -> ByteEncoder:
    torch.manual_seed(0)
    return ByteEncoder(ByteEncoderConfig(num_layers=2)).eval()  # else as it ships


@torch.no_grad()
def test_padding_changes_no_latent_to_a_millionth(encoder: ByteEncoder) -> None:
    ids, mask = encoder.batch(TEXTS)
    ids = ids + (~mask) * 120  # whatever stands in the padding
    together = encoder(ids, mask)
    for row, text in enumerate(TEXTS):
        alone = encoder(*encoder.batch([text]))
        torch.testing.assert_close(together[row], alone[0], atol=1e-6, rtol=1e-6)


@torch.no_grad()
def test_what_padding_changes_is_rounding_only() -> None:
    torch.manual_seed(0)
    exact = ByteEncoder(ByteEncoderConfig(num_layers=2)).eval().double()
    together = exact(*exact.batch(TEXTS))
    for row, text in enumerate(TEXTS):
        alone = exact(*exact.batch([text]))
        torch.testing.assert_close(together[row], alone[0], atol=3e-7, rtol=0)  # a unit of float32


@torch.no_grad()
def test_8_kilobytes_in_one_pass(encoder: ByteEncoder) -> None:
    whole = ("the quick brown fox jumps over the lazy dog . " * 200)[:8192]
    texts = [whole, whole[:-1] + "!", "a" + whole[1:]]
    ids, mask = encoder.batch(texts)
    assert ids.shape == (3, 8192)
    assert bool(mask.all())
    latents = encoder(ids, mask)
    assert latents.isfinite().all()
    for other in (1, 2):  # the last byte and the first are heard as well
        assert (latents[0] - latents[other]).abs().max() > 1e-4
    short = encoder(*encoder.batch([TEXTS[2]]))
    padded = encoder(*(part[:1] for part in encoder.batch([TEXTS[2], whole])))
    torch.testing.assert_close(padded, short, atol=1e-6, rtol=1e-6)
