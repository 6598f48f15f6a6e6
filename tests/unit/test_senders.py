"""Any family that the library loads can send: states of chosen layers, normalized and mixed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from latentwire.checkpoint import Part
from latentwire.errors import UsageError
from latentwire.frozen import FrozenModel
from latentwire.frozen.model import digest_tensors
from latentwire.models import HiddenStateEncoder, HiddenStateEncoderConfig
from latentwire.models.normalizer import StatisticalNormalizer
from latentwire.models.whitening import Whitening
from latentwire.sender import Sender
from random_models import LATENT_WIDTH, NUM_LATENTS, SPACE, random_frozen

SENDERS = ["llama", "qwen2", "qwen3", "mistral", "gpt2", "bert", "mamba", "rwkv", "t5"]
TEXTS = ["a gorgeous , witty movie .", "ja", "how do i change my pin ?"]


@pytest.fixture(params=SENDERS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A random model of a family, as it is on disk."""
    frozen = random_frozen(request.param)
    frozen.model.save_pretrained(tmp_path)
    frozen.tokenizer.save_pretrained(tmp_path)
    return tmp_path


def encoder_for(frozen: FrozenModel, **changes: object) -> HiddenStateEncoder:
    torch.manual_seed(0)
    options: dict[str, object] = {
        "hidden_size": frozen.hidden_size,
        "layer": 1,
        "num_latents": NUM_LATENTS,
        "latent_width": LATENT_WIDTH,
        "num_heads": 4,
        "depth": 1,
    }
    return HiddenStateEncoder(HiddenStateEncoderConfig(**{**options, **changes})).eval()  # type: ignore[arg-type]


def test_states_of_every_layer_are_the_librarys(folder: Path) -> None:
    frozen = FrozenModel.load(str(folder))
    before = digest_tensors(frozen.model.state_dict())
    states, mask = frozen.hidden_states(TEXTS, range(frozen.num_layers + 1))
    for row, ids in enumerate(frozen.ids_read(TEXTS)):
        with torch.inference_mode():  # alone, so that there is no padding
            output = frozen.backbone(torch.tensor([ids]), output_hidden_states=True)
        library = list(output.hidden_states)
        if frozen.config.model_type in ("mamba", "rwkv"):  # theirs begin after the first block
            library = [frozen.embed(torch.tensor([ids])), *library[:-2], library[-1]]
        for layer, expected in enumerate(library):
            found = states[row, mask[row], layer]
            torch.testing.assert_close(found, expected[0], atol=2e-5, rtol=1e-4)
    for layer in range(frozen.num_layers + 1):
        torch.testing.assert_close(frozen.hidden_states(TEXTS, layer)[0], states[:, :, layer])
    assert digest_tensors(frozen.model.state_dict()) == before  # frozen means frozen


def test_a_family_sends(folder: Path, tmp_path: Path) -> None:
    frozen = FrozenModel.load(str(folder))
    encoder = encoder_for(frozen, layer=(0, frozen.num_layers))
    states, mask = frozen.hidden_states(TEXTS, encoder.config.layer)
    encoder.normalizer.fit(states[mask])
    part = Part("encoder", encoder, str(folder), frozen.weights_digest.hex(), SPACE)
    part.save(tmp_path / "part")
    sender = Sender.from_pretrained(str(folder), encoder=str(tmp_path / "part"))
    together = sender.latents(TEXTS)
    assert together.shape == (3, NUM_LATENTS, LATENT_WIDTH)
    for text, latents in zip(TEXTS, together, strict=True):
        torch.testing.assert_close(sender.latents([text])[0], latents, atol=1e-4, rtol=1e-4)
    assert (together[0] - together[1]).abs().max() > 0.1


def test_layers_above_the_highest_that_is_read_are_not_run() -> None:
    frozen = random_frozen("llama", num_hidden_layers=4)
    calls = []
    for number, block in enumerate(frozen.backbone.layers):
        block.register_forward_hook(lambda *_, number=number: calls.append(number))
    frozen.hidden_states(TEXTS, (0, 2))
    assert calls == [0, 1]


def test_a_model_without_hidden_states_is_refused_before_its_weights_are_read(
    tmp_path: Path,
) -> None:
    random_frozen("llama").tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "resnet"}))
    with pytest.raises(UsageError, match=r"offers no hidden states.*\(resnet\)"):
        FrozenModel.load(str(tmp_path))


@pytest.mark.parametrize("layers", [(3,), -1, (0, 7), ()])
def test_layers_that_there_are_not(layers: int | tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="layers"):
        random_frozen("llama").hidden_states(TEXTS, layers)


def test_the_mix_of_layers_is_learned() -> None:
    frozen = random_frozen("llama")
    encoder = encoder_for(frozen, layer=(0, 1, 2))
    states, mask = frozen.hidden_states(TEXTS, (0, 1, 2))
    encoder.normalizer.fit(states[mask])
    encoder(states.clone(), mask).square().mean().backward()
    assert encoder.mix.grad is not None
    assert encoder.mix.grad.abs().sum() > 0
    alone = encoder_for(frozen, layer=1)
    own = encoder.state_dict().items()
    alone.load_state_dict({n: t for n, t in own if "normalizer" not in n}, strict=False)
    alone.normalizer.fit(states[mask][:, 1])
    with torch.no_grad():
        assert (encoder(states, mask) - alone(states[:, :, 1], mask)).abs().max() > 1e-2
        encoder.mix.copy_(torch.tensor([-50.0, 50.0, -50.0]))
        torch.testing.assert_close(
            encoder(states, mask), alone(states[:, :, 1], mask), atol=1e-5, rtol=1e-4
        )


def correlated(layers: int) -> torch.Tensor:
    """States [N, n, d] of very unlike scales, correlated, far from zero."""
    torch.manual_seed(3)
    mixing = (torch.eye(6) + 0.4 * torch.randn(layers, 6, 6)) * torch.tensor([1, 10, 2, 20, 5, 2.0])
    return torch.einsum("nld,lde->nle", torch.randn(5000, layers, 6), mixing) + 300


def test_whitening_leaves_no_correlation() -> None:
    states = correlated(2)
    whitening = Whitening(2, 6)
    whitening.fit(states)
    white = whitening(states).double()
    for layer in range(2):
        covariance = torch.cov(white[:, layer].T)
        kept = torch.linalg.eigvalsh(covariance)
        assert (white[:, layer].mean(0).abs() < 1e-2).all()
        assert (kept < 1.01).all()
        off = covariance - covariance.diagonal().diag()
        assert off.abs().max() < 0.02
        # Standardizing alone would have left them correlated.
        assert torch.corrcoef(states[:, layer].T).fill_diagonal_(0).abs().max() > 0.3


def test_whitening_does_not_blow_up_directions_without_variance() -> None:
    states = torch.zeros(500, 1, 4)
    states[:, 0, 0] = torch.randn(500, generator=torch.Generator().manual_seed(1))
    whitening = Whitening(1, 4)
    whitening.fit(states)
    noise = torch.tensor([[[0.0, 1e-4, 0.0, 0.0]]])
    assert whitening(states + noise).isfinite().all()
    assert whitening(states + noise)[..., 1].abs().max() < 0.05


@pytest.mark.parametrize("kind", ["standardize", "whiten"])
def test_statistics_in_batches_are_those_of_all_at_once(kind: str) -> None:
    states = correlated(2)
    at_once, streamed = (
        Whitening(2, 6) if kind == "whiten" else StatisticalNormalizer(2, 6) for _ in range(2)
    )
    at_once.fit(states)
    streamed.fit(iter(states.split([1, 999, 0, 4000])))
    for name, found in streamed.state_dict().items():
        torch.testing.assert_close(found, at_once.state_dict()[name], atol=1e-5, rtol=1e-5)
    if kind == "standardize":
        torch.testing.assert_close(at_once.mean, states.mean(0), atol=1e-3, rtol=1e-5)
        torch.testing.assert_close(at_once.deviation, states.std(0), atol=1e-3, rtol=1e-4)


def test_a_whitening_encoder_is_saved_and_loaded(tmp_path: Path) -> None:
    frozen = random_frozen("llama")
    encoder = encoder_for(frozen, normalization="whiten")
    states, mask = frozen.hidden_states(TEXTS, 1)
    encoder.normalizer.fit(states[mask][:, None])
    Part("encoder", encoder, frozen.name, "", SPACE).save(tmp_path, bits=8)
    loaded = Part.load(tmp_path, "encoder").module
    with torch.no_grad():
        torch.testing.assert_close(loaded(states, mask), encoder(states, mask), atol=0.05, rtol=0)
