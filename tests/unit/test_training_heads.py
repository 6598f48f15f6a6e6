"""Objectives that need a head of their own, and the commitment of bridges with codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from latentwire.checkpoint import Part
from latentwire.training.compute import start_accelerator
from latentwire.training.dry_run import dry_run
from latentwire.training.heads import StateDecoder, WordHead
from latentwire.training.loop import Trainer
from latentwire.training.objective_terms import TERMS
from latentwire.training.parts import save_parts
from latentwire.training.recipe import Recipe
from latentwire.training.recipe_sections import NEED_HEADS, Objectives
from latentwire.training.state import load_state, save_state
from mini_recipes import mini_recipe, mini_stage
from pydantic import ValidationError
from random_models import RandomModel

BOTH = {"bag_of_words": 1.0, "reconstruction": 0.5}


@pytest.fixture
def recipe(random_llama: RandomModel, random_qwen: RandomModel) -> Any:
    """Makes a recipe of one stage with these objectives."""

    def make(objectives: dict[str, Any], **stage: Any) -> Recipe:
        engine = {"save_every": 2, **stage.pop("engine", {})}
        found = mini_stage(
            random_llama.model, layer=[0, 1], objectives=objectives, validation={"rows": 2}
        )
        return Recipe.model_validate(
            mini_recipe([random_qwen.model], [found | stage], engine=engine, tasks={"trec": 1.0})
        )

    return make


@pytest.fixture
def build(recipe: Any, sample_data_dir: Path, tmp_path: Path) -> Any:
    """Makes a trainer of such a recipe."""

    def make(objectives: dict[str, Any], run: str = "run", **stage: Any) -> Trainer:
        made = recipe(objectives, **stage)
        return Trainer(made, made.stages[0], tmp_path / run, sample_data_dir, start_accelerator())

    return make


def values(trainer: Trainer, step: int = 0) -> dict[str, float]:
    """The loss of a step and its objectives."""
    found = trainer.step_loss(trainer.batches.draw(step), trainer.updates.weights(step))
    return {name: float(value.detach()) for name, value in found.items()}


def test_every_objective_of_a_recipe_is_computed_by_something() -> None:
    assert Objectives.model_fields.keys() == TERMS.keys() | {"commitment"}


@pytest.mark.parametrize("name", sorted(NEED_HEADS))
def test_a_head_teaches_the_encoder(build: Any, name: str) -> None:
    trainer = build({name: 1.0}, warmup_steps=1, learning_rate=0.02)
    assert trainer.parts.heads.keys() == {name}
    head = trainer.parts.trained[f"head.{name}"]
    trainer.loss(0).backward()
    for module in (head, trainer.parts.encoder):
        gradients = [p.grad for p in module.parameters()]
        assert all(g is not None and g.isfinite().all() for g in gradients)
    encoder = trainer.parts.encoder
    assert all(float(p.grad.abs().sum()) > 0 for p in encoder.parameters() if p.grad is not None)
    before = values(trainer)[name]
    for _ in range(20):
        trainer.updates.step(0)
    assert values(trainer)[name] < 0.9 * before
    head_state = {key: value.clone() for key, value in head.state_dict().items()}
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.zero_()
    assert values(trainer)[name] > values_with(trainer, head, head_state)[name]


def values_with(trainer: Trainer, head: Any, state: dict[str, torch.Tensor]) -> dict[str, float]:
    head.load_state_dict(state)
    return values(trainer)


def test_weights_and_schedules_count(build: Any) -> None:
    trainer = build({"bag_of_words": 2.0, "reconstruction": {"weight": 0.5, "start": 0.5}})
    early, late = values(trainer, 0), values(trainer, 2)
    assert early["loss"] == pytest.approx(2 * early["bag_of_words"], rel=1e-5)
    assert "reconstruction" not in early
    assert late["loss"] == pytest.approx(
        2 * late["bag_of_words"] + 0.5 * late["reconstruction"], rel=1e-5
    )


def test_heads_read_what_arrives_and_know_the_senders_words(build: Any) -> None:
    trainer = build({"bag_of_words": 1.0})
    batch, sender = trainer.batches.draw(0), trainer.parts.sender
    words = trainer.step_loss._words(batch)
    text = trainer.step_loss.texts[batch.rows[0]]
    assert words[0] == sender.tokenizer(text, add_special_tokens=False)["input_ids"]
    read: list[torch.Tensor] = []
    trainer.parts.heads["bag_of_words"].register_forward_pre_hook(lambda _, x: read.append(x[0]))
    trainer.step_loss(batch, trainer.updates.weights(0))
    scale = read[0].abs().amax(-1, keepdim=True) / 127
    steps = read[0] / scale  # int8 of the wire: whole numbers of steps
    torch.testing.assert_close(steps, steps.round(), atol=2e-2, rtol=0)


def test_pieces_of_heads_add_up_to_the_batch(build: Any) -> None:
    whole, pieces = build(BOTH), build(BOTH, engine={"accumulation": 3})
    steps = [{n: float(v) for n, v in t.updates.step(0).items()} for t in (whole, pieces)]
    assert steps[1] == pytest.approx(steps[0], rel=1e-4)


def test_heads_resume_exactly_and_are_not_published(build: Any, tmp_path: Path) -> None:
    first = build(BOTH)
    first.updates.step(0)
    first.folder.mkdir(parents=True)
    save_state(first.folder, first.parts.trained, first.updates.optimizers, {"step": 1})
    resumed = build(BOTH)
    assert load_state(resumed.folder, resumed.parts.trained, resumed.updates.optimizers)
    for trainer in (first, resumed):
        trainer.updates.step(1)
    assert first.parts.trained.keys() > {"head.bag_of_words", "head.reconstruction"}
    for name, module in first.parts.trained.items():
        other = resumed.parts.trained[name].state_dict()
        assert all(torch.equal(value, other[key]) for key, value in module.state_dict().items())
    save_parts(first.parts, first.stage, tmp_path)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 3  # state, encoder, adapter
    part = Part.load(tmp_path / "encoders" / "random-llama", "encoder")
    assert part.module.state_dict().keys() == first.parts.encoder.state_dict().keys()


def test_bytes_have_bytes_for_words_and_no_states(recipe: Any, build: Any) -> None:
    plain = {"sender": "bytes", "layer": None, "encoder": {"depth": 1, "num_heads": 4}}
    trainer = build({"bag_of_words": 1.0}, **plain)
    batch = trainer.batches.draw(0)
    assert trainer.step_loss._words(batch)[0] == list(
        trainer.step_loss.texts[batch.rows[0]].encode()
    )
    assert values(trainer)["bag_of_words"] > 0
    with pytest.raises(ValidationError, match="bytes have none"):
        recipe({"reconstruction": 1.0}, **plain)
    with pytest.raises(ValidationError, match="bag_of_words teaches an encoder"):
        recipe({"bag_of_words": 1.0}, train=["adapters"])


def test_a_dry_run_counts_heads(recipe: Any) -> None:
    made = recipe(BOTH)
    found = dry_run(made, made.stages[0])
    assert found["parameters"]["head for bag_of_words"] > 0
    assert found["parameters"]["head for reconstruction"] > 0
    assert len(found["losses"]) == 2


def test_a_decoded_state_depends_on_its_position_and_on_every_latent() -> None:
    torch.manual_seed(0)
    decoder, latents = StateDecoder(16, 12, 4), torch.randn(2, 3, 16)
    states = decoder(latents, 5)
    assert states.shape == (2, 5, 12)
    assert (states[:, 0] - states[:, 1]).abs().max() > 1e-3
    torch.testing.assert_close(decoder(latents, 7)[:, :5], states)
    for k in range(3):
        changed = latents.clone()
        changed[:, k] += 1
        assert ((decoder(changed, 5) - states).abs().amax((1, 2)) > 1e-3).all()
    assert WordHead(16, 40)(latents).shape == (2, 40)


CODES = {"architecture": "vector-quantized", "depth": 1, "num_heads": 4, "codebook_size": 8}


def test_commitment_counts_by_its_weight_and_schedule(build: Any, recipe: Any) -> None:
    """In place of ``own_losses``, which other losses of an encoder keep."""
    likely = {"label_likelihood": 1.0}
    trainer = build({**likely, "commitment": {"weight": 3.0, "start": 0.5}}, encoder=CODES)
    trainer.updates.step(0)
    early, late = values(trainer, 0), values(trainer, 2)
    assert early["commitment"] >= 0
    assert early["loss"] == pytest.approx(early["label_likelihood"], rel=1e-5)
    assert late["loss"] == pytest.approx(
        late["label_likelihood"] + 3 * late["commitment"], rel=1e-5
    )
    assert late["commitment"] > 1e-3
    with pytest.raises(ValidationError, match="a hidden-state encoder has none"):
        recipe({**likely, "commitment": 1.0})
    fixed = {**CODES, "architecture": "finite-scalar-quantized"}
    fixed.pop("codebook_size")
    with pytest.raises(ValidationError, match="a finite-scalar-quantized encoder has none"):
        recipe({**likely, "commitment": 1.0}, encoder=fixed)
    with pytest.raises(ValidationError, match="at least one weight"):
        recipe({"commitment": 1.0}, encoder=CODES)


def test_what_commits_says_so(build: Any) -> None:
    """The loss is there where the class says that it is."""
    own = {"architecture": "residual-quantized", "num_stages": 2}
    trainer = build({"label_likelihood": 1.0}, encoder=CODES | own)
    found = trainer.updates.step(0)
    assert float(found["commitment"]) > 0
    assert float(found["loss"]) == pytest.approx(
        float(found["label_likelihood"] + found["commitment"]), rel=1e-5
    )
