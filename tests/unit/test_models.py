"""What the trained parts promise whatever their weights are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
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
from latentwire.models.normalizer import StatisticalNormalizer
from latentwire.models.quantizer import through_the_wire
from latentwire.training.muon import Muon
from latentwire.training.optimizers import build_optimizers
from random_models import RandomModel

TEXTS = ["a gorgeous , witty , seductive movie .", "how do i change my pin ?", "ja", "é ü 語"]


@pytest.fixture(params=[0, 2], ids=["queries alone", "pooled beginning"])
def encoder(request: pytest.FixtureRequest) -> HiddenStateEncoder:
    torch.manual_seed(0)
    config = HiddenStateEncoderConfig(
        hidden_size=24,
        layer=1,
        num_latents=8,
        latent_width=32,
        num_heads=4,
        pooled_latents=request.param,
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


@torch.no_grad()
def test_a_beginning_that_is_added_says_nothing_until_it_learns() -> None:
    torch.manual_seed(0)
    former, grown = (
        HiddenStateEncoder(
            HiddenStateEncoderConfig(
                hidden_size=24, layer=1, num_latents=8, latent_width=32, pooled_latents=pooled
            )
        ).eval()
        for pooled in (0, 3)
    )
    assert (grown(*states()) - former(*states())).abs().max() > 0.1
    grown.grow_from(former)
    torch.testing.assert_close(grown(*states()), former(*states()), atol=0, rtol=0)
    grown.beginning.expand.bias.data[0] += 1  # of the first latent
    changed = (grown(*states(), 1) - former(*states(), 1)).abs().amax((0, 2))
    assert float(changed) > 0.1
    with pytest.raises(ValueError, match="cannot grow"):
        former.grow_from(grown)


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
def test_soft_tokens_have_the_statistics_of_the_receivers_embeddings(
    random_qwen: RandomModel,
) -> None:
    frozen = FrozenModel.load(random_qwen.model)
    mean, deviation = frozen.embedding_statistics()
    adapter = Adapter(AdapterConfig(hidden_size=frozen.hidden_size, latent_width=16))
    adapter.colorizer.fit(mean, deviation)
    torch.manual_seed(2)
    tokens = adapter(50 * torch.randn(2000, 1, 16)).flatten(0, 1)  # however large the latents are
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


def test_optimizers_share_the_parameters_without_overlap(byte_encoder: ByteEncoder) -> None:
    muon, adam = build_optimizers([byte_encoder])
    split = [{id(p) for group in o.param_groups for p in group["params"]} for o in (muon, adam)]
    assert not split[0] & split[1]
    assert split[0] | split[1] == {id(p) for p in byte_encoder.parameters()}
    assert id(byte_encoder.bytes.weight) in split[1]
    assert id(byte_encoder.merge.weight) in split[0]
