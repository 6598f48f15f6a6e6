"""What the trained parts promise whatever their weights are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from latentwire.frozen import FrozenModel
from latentwire.message import Encoding, Message, ModelRef, Packet, SpaceRef
from latentwire.models import (
    Adapter,
    AdapterConfig,
    ByteEncoder,
    ByteEncoderConfig,
    HiddenStateEncoder,
    HiddenStateEncoderConfig,
)
from latentwire.models.bridges import encode
from latentwire.models.message_mask import message_mask
from latentwire.models.normalizer import StatisticalNormalizer
from latentwire.models.quantizer import through_the_wire
from latentwire.models.segment_beginning import SegmentBeginning
from latentwire.models.segments import piece_of
from latentwire.training import muon
from latentwire.training.muon import Muon
from latentwire.training.optimizers import build_optimizers
from random_models import RandomModel

TEXTS = ["a gorgeous , witty , seductive movie .", "how do i change my pin ?", "ja", "é ü 語"]


@pytest.fixture(params=[(0, 0), (2, 0), (0, 6), (2, 7)], ids=str)
def encoder(request: pytest.FixtureRequest) -> HiddenStateEncoder:
    torch.manual_seed(0)
    config = HiddenStateEncoderConfig(
        hidden_size=24,
        layer=1,
        num_latents=8,
        latent_width=32,
        num_heads=4,
        pooled_latents=request.param[0],
        segment_latents=request.param[1],
    )
    return HiddenStateEncoder(config).eval()


@pytest.fixture
def byte_encoder() -> ByteEncoder:
    torch.manual_seed(0)
    config = ByteEncoderConfig(
        width=32, num_layers=2, num_heads=4, num_latents=8, byte_width=8, buckets=64
    )
    return ByteEncoder(config).eval()


def states() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    mask = torch.arange(9)[None] < torch.tensor([[9], [4], [1]])
    return torch.randn(3, 9, 24), mask


@torch.no_grad()
@pytest.mark.parametrize("k", [1, 3, 7])
def test_the_first_latents_do_not_depend_on_how_many_follow(
    encoder: HiddenStateEncoder, byte_encoder: ByteEncoder, k: int
) -> None:
    for module, inputs in ((encoder, states()), (byte_encoder, byte_encoder.batch(TEXTS))):
        torch.testing.assert_close(module(*inputs, k), module(*inputs)[:, :k])


def small(**beginnings: int) -> HiddenStateEncoder:
    config = HiddenStateEncoderConfig(
        hidden_size=24, layer=1, num_latents=8, latent_width=32, **beginnings
    )
    return HiddenStateEncoder(config).eval()


@torch.no_grad()
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"pooled_latents": 3}),
        ({}, {"segment_latents": 8, "segment_parts": 3}),
        ({"pooled_latents": 3}, {"pooled_latents": 3, "segment_latents": 5}),
    ],
    ids=["mean", "segments", "segments beside a mean"],
)
def test_a_beginning_that_is_added_says_nothing_until_it_learns(
    before: dict[str, int], after: dict[str, int]
) -> None:
    torch.manual_seed(0)
    former, grown = small(**before), small(**after)
    assert (grown(*states()) - former(*states())).abs().max() > 0.1
    grown.grow_from(former)
    torch.testing.assert_close(grown(*states()), former(*states()), atol=0, rtol=0)
    new = grown.segments if "segment_latents" in after else grown.beginning
    new.expand.weight.data += 0.1 * torch.randn_like(new.expand.weight)
    assert float((grown(*states()) - former(*states())).abs().max()) > 0.1
    with pytest.raises(ValueError, match="cannot grow"):
        former.grow_from(grown)


def test_a_segment_that_is_divided_otherwise_is_not_taken_over() -> None:
    with pytest.raises(ValueError, match="cannot grow"):
        small(segment_latents=4, segment_parts=2).grow_from(
            small(segment_latents=4, segment_parts=3)
        )


@torch.no_grad()
def test_each_latent_begins_with_its_own_segment() -> None:
    torch.manual_seed(0)
    beginning = SegmentBeginning(width=6, first=0, num_latents=4, parts=2, latent_width=5)
    x = torch.randn(2, 20, 6)
    mask = torch.arange(20)[None] < torch.tensor([[20], [3]])
    begun = beginning(x, mask, 4)
    assert begun.shape == (2, 4, 5)
    for position in range(20):  # 20 positions, eight pieces, two pieces a latent
        other = x.clone()
        other[:, position] += torch.randn(6)
        moved = (beginning(other, mask, 4) - begun).abs().amax(2) > 1e-4
        assert moved[0].nonzero().tolist() == [[position * 8 // 20 // 2]]
        assert moved[1].nonzero().tolist() == ([[position // 2]] if position < 3 else [])
    assert not begun[1, 2:].any()  # three positions leave two latents without a segment


@torch.no_grad()
def test_a_message_ends_with_what_its_text_fills() -> None:
    _, mask = states()
    assert small().lengths(mask) is None
    encoder = small(segment_latents=5, segment_parts=2)  # after three of the whole text
    assert encode(encoder, *states()).lengths.tolist() == [3 + 5, 3 + 2, 3 + 1]
    assert encode(encoder, *states(), 4).lengths.tolist() == [4, 4, 4]
    assert encode(small(), *states()).lengths is None


def test_the_mask_of_a_message_counts_soft_tokens() -> None:
    adapter = Adapter(
        AdapterConfig(hidden_size=8, latent_width=16, tokens_per_latent=3, single_latents=2)
    )
    lengths = torch.tensor([1, 2, 3, 4])
    found = message_mask(adapter.config, lengths, 4)
    assert found is not None
    assert found.shape == (4, adapter(torch.zeros(4, 4, 16)).shape[1])
    assert found.sum(1).tolist() == [1, 2, 5, 8]
    assert [adapter.config.tokens_of(k) for k in (1, 2, 3, 4)] == [1, 2, 5, 8]
    assert message_mask(adapter.config, None, 4) is None


def test_a_short_text_fills_the_first_pieces_and_a_long_one_all() -> None:
    mask = torch.tensor([[0, 1, 1, 1, 0, 0, 0, 0], [1] * 8]).bool()
    assert piece_of(mask, 4)[0, 1:4].tolist() == [0, 1, 2]
    assert piece_of(mask, 4)[1].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert piece_of(mask, 100)[1].tolist() == list(range(8))


@torch.no_grad()
def test_padding_on_either_side_does_not_move_a_segment() -> None:
    torch.manual_seed(0)
    beginning = SegmentBeginning(width=6, first=0, num_latents=4, parts=2, latent_width=5)
    x = torch.randn(1, 11, 6)
    alone = beginning(x, torch.ones(1, 11, dtype=torch.bool), 4)
    for left, right in ((0, 5), (5, 0), (2, 3)):
        mask = F.pad(torch.ones(1, 11, dtype=torch.bool), (left, right))
        padded = F.pad(x, (0, 0, left, right), value=7.0)
        torch.testing.assert_close(beginning(padded, mask, 4), alone)


@torch.no_grad()
def test_queries_start_at_the_deviation_that_is_asked_for() -> None:
    for deviation in (1.0, 0.02):
        torch.manual_seed(0)
        config = HiddenStateEncoderConfig(
            hidden_size=8, layer=1, num_latents=64, depth=1, query_deviation=deviation
        )
        queries = HiddenStateEncoder(config).resampler.queries
        assert float(queries.std()) == pytest.approx(deviation, rel=0.02)


def test_padding_changes_no_latent(encoder: HiddenStateEncoder, byte_encoder: ByteEncoder) -> None:
    hidden, mask = states()
    together = encoder(hidden, mask)
    for row in range(3):
        real = int(mask[row].sum())
        alone = encoder(hidden[row : row + 1, :real], mask[row : row + 1, :real])
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-4)
    together = byte_encoder(*byte_encoder.batch(TEXTS))
    for row, text in enumerate(TEXTS):
        alone = byte_encoder(*byte_encoder.batch([text]))
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_every_latent_has_zero_mean_and_unit_variance(encoder: HiddenStateEncoder) -> None:
    latents = encoder(*states())
    assert latents.dtype == torch.float32
    torch.testing.assert_close(latents.mean(-1), torch.zeros(3, 8), atol=1e-5, rtol=0)
    torch.testing.assert_close(latents.var(-1, unbiased=False), torch.ones(3, 8), atol=1e-3, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize(("each", "single"), [(1, 0), (3, 0), (3, 1), (2, 9)])
def test_soft_tokens_have_the_statistics_of_the_receivers_embeddings(
    random_qwen: RandomModel, each: int, single: int
) -> None:
    frozen = FrozenModel.load(random_qwen.model)
    mean, deviation = frozen.embedding_statistics()
    adapter = Adapter(
        AdapterConfig(
            hidden_size=frozen.hidden_size,
            latent_width=16,
            tokens_per_latent=each,
            single_latents=single,
        )
    )
    first, both = (adapter.config.tokens_of(k) for k in (1, 2))
    assert first == (1 if single else each)
    adapter.colorizer.fit(mean, deviation)
    torch.manual_seed(2)
    latents = 50 * torch.randn(2000, 2, 16)  # however large they are
    tokens = adapter(latents)
    assert tokens.shape == (2000, both, frozen.hidden_size)
    torch.testing.assert_close(tokens[:, :first], adapter(latents[:, :1]))  # in order
    real = frozen.model.get_input_embeddings().weight
    ratio = tokens.square().mean().sqrt() / real.square().mean().sqrt()
    assert float(ratio) == pytest.approx(1.0, abs=0.02)


def test_the_normalizer_standardizes_what_it_was_fitted_on() -> None:
    torch.manual_seed(3)
    samples = torch.randn(4000, 6) * torch.tensor([1, 10, 0.1, 100, 5, 2.0]) + 7
    normalizer = StatisticalNormalizer(6)
    normalizer.fit(samples)
    found = normalizer(samples)
    torch.testing.assert_close(found.mean(0), torch.zeros(6), atol=1e-2, rtol=0)
    torch.testing.assert_close(found.std(0), torch.ones(6), atol=1e-2, rtol=0)
    assert float(normalizer(torch.full((1, 6), 1e9)).abs().max()) == 10


@pytest.mark.parametrize("encoding", ["f32", "f16", "bf16", "int8"])
def test_training_sees_what_a_packet_delivers(encoding: Encoding) -> None:
    torch.manual_seed(4)
    latents = torch.randn(2, 4, 32, requires_grad=True)
    seen = through_the_wire(latents, encoding)
    for row, expected in zip(seen, latents.detach().numpy(), strict=True):
        message = Message(
            latents=expected,
            sender=ModelRef(name="a", fingerprint=bytes(16)),
            space=SpaceRef(name="s", fingerprint=bytes(16)),
        )
        packet = Packet.from_bytes(bytes(message.encode(encoding)))
        np.testing.assert_allclose(row.detach().numpy(), packet.decode().latents, atol=1e-6)
    weights = torch.randn(2, 4, 32)
    (seen * weights).sum().backward()
    torch.testing.assert_close(latents.grad, weights)  # straight through


def test_muon_is_the_librarys_within_its_own_precision() -> None:
    torch.manual_seed(0)
    start = [torch.randn(32, 64), torch.randn(64, 32), torch.randn(32, 64)]
    ours = [torch.nn.Parameter(matrix.clone()) for matrix in start]
    theirs = [torch.nn.Parameter(matrix.clone()) for matrix in start]
    pair = (
        Muon(ours, lr=0.01, weight_decay=0.05),
        torch.optim.Muon(theirs, lr=0.01, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
    )
    for _ in range(5):
        for own, other in zip(ours, theirs, strict=True):
            own.grad = torch.randn_like(own)
            other.grad = own.grad.clone()
        for optimizer in pair:
            optimizer.step()
    ours, theirs = [p.detach() for p in ours], [p.detach() for p in theirs]
    for own, other, first in zip(ours, theirs, start, strict=True):
        moved = (other - first).abs().max()
        assert float((own - other).abs().max()) < 0.03 * float(moved)  # theirs is in bfloat16


def test_muon_in_float32_is_so_on_any_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    def moved(*, has_bfloat16: bool, in_float32: bool) -> torch.Tensor:
        monkeypatch.setattr(muon, "computes_in_bfloat16", lambda _device: has_bfloat16)
        torch.manual_seed(0)
        matrix = torch.nn.Parameter(torch.randn(32, 64))
        matrix.grad = torch.randn(32, 64)
        build = build_optimizers([_linear(matrix)], in_float32=in_float32)
        build[0].param_groups[0]["lr"] = 0.1
        build[0].step()
        return matrix.detach()

    exact = moved(has_bfloat16=False, in_float32=False)
    assert torch.equal(moved(has_bfloat16=True, in_float32=True), exact)
    assert not torch.equal(moved(has_bfloat16=True, in_float32=False), exact)


def _linear(weight: torch.nn.Parameter) -> torch.nn.Linear:
    layer = torch.nn.Linear(64, 32)
    layer.weight = weight
    return layer


def test_optimizers_share_the_parameters_without_overlap(byte_encoder: ByteEncoder) -> None:
    optimizers = build_optimizers([byte_encoder])
    split = [{id(p) for group in o.param_groups for p in group["params"]} for o in optimizers]
    assert not split[0] & split[1]
    assert split[0] | split[1] == {id(p) for p in byte_encoder.parameters()}
    assert id(byte_encoder.bytes.weight) in split[1]
    assert id(byte_encoder.merge.weight) in split[0]
