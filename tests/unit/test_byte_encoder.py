"""Byte encoder: padding is inert, and 8 KB are read in one pass."""

from __future__ import annotations

import pytest
import torch
from latentwire.models import ByteEncoder, ByteEncoderConfig
from latentwire.models.hashing import bucket, find_words

TEXTS = ["ja", "é ü 語", "how do i change my pin ?", "x" * 333, "a word " * 200]


@pytest.fixture(scope="module", params=[0, 28], ids=["pooled", "segments"])
def encoder(request: pytest.FixtureRequest) -> ByteEncoder:
    torch.manual_seed(0)
    config = ByteEncoderConfig(num_layers=2, segment_latents=request.param)  # else as it ships
    return ByteEncoder(config).eval()


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


@torch.no_grad()
def test_a_word_is_the_same_word_wherever_it_stands_and_ends_with_the_text() -> None:
    text = "Pay ate, the pay atE pay"
    encoder = ByteEncoder(ByteEncoderConfig(num_layers=0))
    ids, mask = encoder.batch([text, text + "ing"])
    ids = ids + (~mask) * 120  # letters in the padding, which continue no word
    ends, codes = find_words(ids, mask)
    assert ends[0].nonzero().flatten().tolist() == [2, 6, 11, 15, 19, 23]
    assert ends[1].nonzero().flatten().tolist() == [2, 6, 11, 15, 19, 26]
    assert codes[0, 15] == codes[0, 23]
    assert len({int(codes[0, end]) for end in (2, 6, 11, 15, 19)}) == 5  # case counts
    assert codes[1, 26] not in codes[0][ends[0]]


def test_hidden_bytes_hide_their_word() -> None:
    torch.manual_seed(0)
    encoder = ByteEncoder(ByteEncoderConfig(num_layers=0)).eval()
    ids, mask = encoder.batch(["a good film"])
    (encoder(ids, mask).sum()).backward()
    ends, codes = find_words(ids, mask)
    (word,) = codes[0, ends[0]][1:2].tolist()
    row = bucket(torch.tensor(word), 8192)
    gradient = encoder.words.weight.grad
    assert gradient is not None
    assert gradient[row].abs().sum() > 0
    encoder.zero_grad()
    mask[0, 5] = False  # the d of good
    (encoder(ids, mask).sum()).backward()
    assert encoder.words.weight.grad is not None
    assert encoder.words.weight.grad[row].abs().sum() == 0


@torch.no_grad()
def test_characters_belong_to_the_position_in_which_they_end() -> None:
    encoder = ByteEncoder(ByteEncoderConfig(num_layers=0, segment_latents=28, max_bytes=12))
    spans = encoder.spans(["abcdef", "aé語b", "", "x" * 20])  # 6, 7, 0 and 20 bytes
    assert spans == [[(0, 4), (4, 6)], [(0, 2), (2, 4)], [], [(0, 4), (4, 8), (8, 12)]]
    _, mask = encoder.batch(["abcdef", "aé語b", "x" * 20])
    assert encoder.patches(mask).sum(1).tolist() == [len(spans[at]) for at in (0, 1, 3)]


@torch.no_grad()
def test_a_text_fills_as_many_latents_as_it_has_segments(encoder: ByteEncoder) -> None:
    _, mask = encoder.batch(["x", "x" * 9, "x" * 300])
    lengths = encoder.lengths(mask)
    if not encoder.config.segment_latents:
        assert lengths is None
        return
    assert lengths is not None
    assert lengths.tolist() == [4 + 1, 4 + 2, 32]  # three positions are two segments of two


@torch.no_grad()
def test_segments_that_grow_say_nothing_until_they_learn() -> None:
    torch.manual_seed(0)
    former = ByteEncoder(ByteEncoderConfig(num_layers=1)).eval()
    grown = ByteEncoder(ByteEncoderConfig(num_layers=1, segment_latents=28)).eval()
    batch = former.batch(TEXTS)
    grown.grow_from(former)
    torch.testing.assert_close(grown(*batch), former(*batch), atol=0, rtol=0)
    with pytest.raises(ValueError, match="cannot grow"):
        former.grow_from(grown)


@torch.no_grad()
def test_layers_that_grow_change_nothing_until_they_learn() -> None:
    torch.manual_seed(0)
    shallow = ByteEncoder(ByteEncoderConfig(num_layers=1)).eval()
    deep = ByteEncoder(ByteEncoderConfig(num_layers=3)).eval()
    batch = shallow.batch(TEXTS)
    assert (deep(*batch) - shallow(*batch)).abs().max() > 0.1
    deep.grow_from(shallow)
    torch.testing.assert_close(deep(*batch), shallow(*batch), atol=0, rtol=0)
    with pytest.raises(ValueError, match="cannot grow"):
        shallow.grow_from(deep)
    with pytest.raises(ValueError, match="cannot grow"):
        deep.grow_from(ByteEncoder(ByteEncoderConfig(num_layers=1, buckets=4096)))
