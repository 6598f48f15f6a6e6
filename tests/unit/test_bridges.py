"""What every architecture promises, and what each is for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from latentwire import extras
from latentwire.checkpoint import Part
from latentwire.errors import CheckpointError, MissingExtraError
from latentwire.frozen import ChoiceTree, score_choices
from latentwire.frozen.key_values import read_texts
from latentwire.models.bridges import (
    DiffusionBridge,
    FiniteScalarQuantizedBridge,
    KeyValueProjector,
    KeyValueProjectorConfig,
    LinearProbe,
    LinearProbeConfig,
    ResidualQuantizedBridge,
    VectorQuantizedBridge,
    VectorQuantizedBridgeConfig,
    encode,
)
from latentwire.models.bridges.quantized import QuantizedBridge
from latentwire.models.registry import ARCHITECTURES, Encoder
from latentwire.sender import Sender
from latentwire.training.objectives import label_likelihood
from random_models import LATENT_WIDTH, NUM_LATENTS, SPACE, random_frozen
from torch import Tensor

WIDTH = 32  # of the sender's states
SMALL: dict[str, dict[str, object]] = {
    "hidden-state": {"num_heads": 4, "depth": 1},
    "linear-probe": {},
    "mlp": {"inner_width": 24},
    "transformer": {"num_layers": 12, "num_heads": 4},
    "vector-quantized": {"num_heads": 4, "depth": 1, "codebook_size": 64},
    "residual-quantized": {"num_heads": 4, "depth": 1, "codebook_size": 16, "num_stages": 3},
    "finite-scalar-quantized": {"num_heads": 4, "depth": 1},
    "diffusion": {"num_layers": 2, "num_heads": 4, "multiple": 2},
}
QUANTIZED = [kind for kind in SMALL if "quantized" in kind]


def build(kind: str, **changes: object) -> Encoder:
    torch.manual_seed(0)
    architecture = ARCHITECTURES[kind]
    options = {
        "hidden_size": WIDTH,
        "layer": 1,
        "num_latents": NUM_LATENTS,
        "latent_width": LATENT_WIDTH,
        **SMALL[kind],
        **changes,
    }
    module: Encoder = architecture.module(architecture.config(**options)).eval()
    if isinstance(module, DiffusionBridge):  # gates are zero at first: nothing would be tested
        for layer in module.layers:
            torch.nn.init.normal_(layer.modulation.weight, std=0.3)
    if isinstance(module, QuantizedBridge):
        module.train()
        with torch.no_grad():  # codebooks begin where the first latents are
            module.quantize(torch.randn(32, NUM_LATENTS, LATENT_WIDTH))
        module.eval()
    return module


def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    mask = torch.arange(9)[None] < torch.tensor([[9], [4], [1]])
    return torch.randn(3, 9, WIDTH), mask


def test_every_encoder_of_the_registry_is_tested_here() -> None:
    encoders = {kind for kind, entry in ARCHITECTURES.items() if entry.role == "encoder"}
    assert encoders == SMALL.keys() | {"byte"}


@torch.no_grad()
@pytest.mark.parametrize("kind", SMALL)
def test_latents_are_of_unit_variance_alike_for_every_k_and_padding_is_inert(kind: str) -> None:
    encoder, (states, mask) = build(kind), batch()
    latents, losses, _ = encode(encoder, states, mask)
    assert latents.shape == (3, NUM_LATENTS, LATENT_WIDTH)
    assert latents.dtype == torch.float32
    assert all(loss.ndim == 0 for loss in losses.values())
    torch.testing.assert_close(latents.mean(-1), torch.zeros(3, NUM_LATENTS), atol=1e-5, rtol=0)
    torch.testing.assert_close(latents.var(-1, unbiased=False), torch.ones(3, 6), atol=1e-2, rtol=0)
    for k in (1, 4):
        torch.testing.assert_close(
            encode(encoder, states, mask, k).latents, latents[:, :k], atol=1e-5, rtol=1e-4
        )
    states = states.masked_fill(~mask[:, :, None], 5.0)
    for row in range(3):
        own = states[row, mask[row]][None]
        for placed, real in (  # none, and on the left
            (own, torch.ones(own.shape[:2], dtype=torch.bool)),
            (states[row : row + 1].flip(1), mask[row : row + 1].flip(1)),
        ):
            if placed is not own:
                placed[real] = own[0]
            alone = encode(encoder, placed, real).latents[0]
            torch.testing.assert_close(alone, latents[row], atol=1e-5, rtol=1e-4)
    assert (latents[0] - latents[1]).abs().max() > 1e-2


@pytest.mark.parametrize("kind", SMALL)
def test_gradients_reach_every_trained_number(kind: str) -> None:
    encoder, (states, mask) = build(kind), batch()
    encoder.train()
    torch.manual_seed(2)
    target = torch.randn(3, NUM_LATENTS, LATENT_WIDTH)
    latents, losses, _ = encode(encoder, states, mask, target=target)
    (((latents - target) ** 2).mean() + sum(losses.values())).backward()  # type: ignore[arg-type]
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("kind", SMALL)
def test_a_bridge_is_a_senders_encoder(kind: str, tmp_path: Path) -> None:
    frozen = random_frozen("llama")
    encoder = build(kind, layer=(0, 2), normalization="whiten")
    texts = ["a film", "how do i change my pin ?"]
    states, mask = frozen.hidden_states(texts, (0, 2))
    encoder.normalizer.fit(states[mask])  # type: ignore[union-attr]
    Part("encoder", encoder, frozen.name, "", SPACE).save(tmp_path)
    sender = Sender(frozen, Part.load(tmp_path, "encoder"))
    packets = sender.encode_batch(texts)
    assert packets[0].decode().latents.shape == (NUM_LATENTS, LATENT_WIDTH)
    # The same text is the same message.
    again = sender.encode_batch(texts)[1].decode().latents
    assert (packets[1].decode().latents == again).all()
    with pytest.raises(CheckpointError, match="holds an encoder"):
        Part.load(tmp_path, "adapter")


@pytest.mark.parametrize("kind", QUANTIZED)
def test_codes_are_the_message(kind: str) -> None:
    bridge, (states, mask) = build(kind), batch()
    assert isinstance(bridge, QuantizedBridge)
    codes = bridge.codes(states, mask)
    assert codes.shape[:2] == (3, NUM_LATENTS)
    with torch.no_grad():
        latents = bridge(states, mask).latents
    torch.testing.assert_close(bridge.decode(codes), latents, atol=1e-5, rtol=1e-4)
    other = bridge.decode((codes + 1) % 16)
    assert (other - latents).abs().max() > 1e-2


def test_each_kind_of_code_has_its_size() -> None:
    torch.manual_seed(0)
    common = {"hidden_size": 8, "layer": 1, "latent_width": 16, "num_heads": 2}
    vector = VectorQuantizedBridge(VectorQuantizedBridgeConfig(**common))  # type: ignore[arg-type]
    assert vector.quantizer.codebook_size == 4096
    scalar = build("finite-scalar-quantized")
    assert isinstance(scalar, FiniteScalarQuantizedBridge)
    assert scalar.quantizer.codebook_size == 4096
    residual = build("residual-quantized")
    assert isinstance(residual, ResidualQuantizedBridge)
    assert residual.codes(*batch()).shape == (3, NUM_LATENTS, 3)


def test_later_stages_refine_what_earlier_ones_left() -> None:
    bridge = build("residual-quantized")
    assert isinstance(bridge, ResidualQuantizedBridge)
    bridge.train()
    torch.manual_seed(5)
    data = torch.randn(64, NUM_LATENTS, LATENT_WIDTH)
    for _ in range(30):  # the codebooks follow the latents by averages, without gradients
        bridge.quantize(data)
    bridge.eval()
    codes = bridge.quantize(data)[1]
    errors = []
    for stages in range(1, 4):
        kept = codes.clone()
        kept[..., stages:] = -1  # the library's mark of a stage left out
        errors.append(float((bridge.look_up(kept) - data).square().mean()))
    assert errors[0] < 1
    assert errors[0] > errors[1] > errors[2]


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="vector_quantize_pytorch") as caught:
        build("vector-quantized")
    assert "latentwire[train]" in str(caught.value.hint)


# -- diffusion -------------------------------------------------------------------------------------


def test_a_straight_flow_arrives_in_any_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    states, mask = batch()
    target = torch.randn(3, NUM_LATENTS, LATENT_WIDTH)
    for steps in (1, 4, 7):
        bridge = build("diffusion", num_steps=steps)
        assert isinstance(bridge, DiffusionBridge)
        times: list[float] = []

        direction = target - bridge.noise

        def velocity(
            x: Tensor, time: Tensor, *_: Tensor, seen: list[float] = times, to: Tensor = direction
        ) -> Tensor:
            seen.append(float(time[0]))
            return to

        monkeypatch.setattr(bridge, "velocity", velocity)
        torch.testing.assert_close(bridge.sample(states, mask), target, atol=1e-5, rtol=0)
        assert times == pytest.approx([step / steps for step in range(steps)])


def test_the_flow_learns_latents_that_states_determine() -> None:
    bridge, (states, mask) = build("diffusion"), batch()
    target = torch.nn.functional.layer_norm(
        torch.randn(3, NUM_LATENTS, LATENT_WIDTH), (LATENT_WIDTH,)
    )
    optimizer = torch.optim.Adam(bridge.parameters(), lr=3e-3)
    several = (states.repeat(8, 1, 1), mask.repeat(8, 1))  # draws of noise and time a step
    losses = []
    for _ in range(100):
        loss = encode(bridge, *several, target=target.repeat(8, 1, 1)).losses["flow"]
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    with torch.no_grad():
        found = encode(bridge, states, mask).latents
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])
    nearest = torch.cdist(found.flatten(1), target.flatten(1)).argmin(1)
    assert nearest.tolist() == [0, 1, 2]
    assert float((found - target).square().mean()) < 1  # 2 for unrelated latents


# -- keys and values -------------------------------------------------------------------------------

TEXTS = ["a film of 7", "the card", "how do i change my pin ?"]


def projector() -> KeyValueProjector:
    sender, receiver = random_frozen("qwen2", num_hidden_layers=3), random_frozen("llama")
    torch.manual_seed(0)
    ours, theirs = sender.key_values, receiver.key_values
    module = KeyValueProjector(
        KeyValueProjectorConfig(
            sender_layers=ours.num_layers,
            sender_heads=ours.num_heads,
            sender_head_dim=ours.head_dim,
            num_layers=theirs.num_layers,
            num_heads=theirs.num_heads,
            head_dim=theirs.head_dim,
            inner_width=24,
        )
    )
    module.normalizer.set(*ours.statistics(TEXTS))
    module.colorizer.fit(*theirs.statistics(TEXTS))
    return module


def test_a_senders_cache_is_a_receivers_prefix(tmp_path: Path) -> None:
    module = projector()
    Part("projector", module, "random-qwen2", "", SPACE).save(tmp_path)
    loaded = Part.load(tmp_path, "projector").module
    sender, receiver = random_frozen("qwen2", num_hidden_layers=3), random_frozen("llama")
    key_values, mask = read_texts(sender, TEXTS)
    prefix = loaded(key_values).latents
    assert prefix.shape == (2, 2, 3, 2, mask.shape[1], 8)
    tree = ChoiceTree.build(receiver, "Topic:", ["card", "world"])
    scores = score_choices(receiver, prefix, mask, tree)
    for row, text in enumerate(TEXTS):
        alone, real = read_texts(sender, [text])
        found = score_choices(receiver, loaded(alone).latents, real, tree)
        torch.testing.assert_close(found[0], scores[row], atol=1e-3, rtol=1e-4)
    prefix = module(key_values).latents
    question, answer = [[5, 6]] * 3, [[7, 1]] * 3
    label_likelihood(receiver, prefix, question, answer, mask=mask).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())
    assert module.gates.grad is not None
    assert (module.gates.grad != 0).all()


@torch.no_grad()
def test_layers_are_paired_from_the_last_and_a_closed_gate_says_nothing() -> None:
    module = projector()
    assert [module.source(layer) for layer in range(2)] == [1, 2]
    key_values, _ = read_texts(random_frozen("qwen2", num_hidden_layers=3), TEXTS)
    changed = key_values.clone()
    changed[0] += 1  # a layer of the sender that is paired with none
    torch.testing.assert_close(module(changed).latents, module(key_values).latents)
    changed[1] += 1
    assert (module(changed).latents[0] - module(key_values).latents[0]).abs().max() > 1e-3
    module.gates[0] = -1e4
    closed = module(key_values).latents[0]
    torch.testing.assert_close(closed, closed[:, :1, :, :1].expand_as(closed))


def test_a_probe_is_linear_in_the_mean_of_the_states() -> None:
    torch.manual_seed(0)
    config = LinearProbeConfig(hidden_size=WIDTH, layer=1, num_latents=2, latent_width=8)
    probe, (states, mask) = LinearProbe(config), batch()
    mean = torch.stack([states[row, mask[row]].mean(0) for row in range(3)])
    expected = torch.nn.functional.layer_norm(probe.project(mean).view(3, 2, 8), (8,))
    torch.testing.assert_close(probe(states, mask).latents, expected)
