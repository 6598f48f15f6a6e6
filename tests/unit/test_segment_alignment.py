"""Teaching a translation of vocabularies without running the receiver."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from latentwire.checkpoint import Part
from latentwire.errors import RecipeError
from latentwire.message import Message
from latentwire.models import Adapter, AdapterConfig, HiddenStateEncoder
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.training.command import run_stages
from latentwire.training.compute import start_accelerator
from latentwire.training.dry_run import dry_run
from latentwire.training.loop import Trainer
from latentwire.training.recipe import Recipe
from latentwire.training.recipe_sections import AdapterRecipe
from latentwire.training.update import stored_weights
from mini_recipes import mini_recipe, mini_stage
from pydantic import ValidationError
from random_models import RandomModel


@dataclass
class Trial:
    """A founder's space that another receiver joins, by alignment alone unless a test says more."""

    founder: str
    receiver: str
    stages: list[dict[str, Any]]

    @property
    def recipe(self) -> Recipe:
        return Recipe.model_validate(
            mini_recipe(
                [self.founder, self.receiver],
                self.stages,
                adapter={"tokens_per_latent": 2, "single_latents": 1},
                full_length_share=1.0,
                engine={"log_every": 4},
            )
        )


@pytest.fixture
def trial(random_llama: RandomModel, random_qwen: RandomModel) -> Trial:
    founder, receiver = random_llama.model, random_qwen.model
    alignment: dict[str, Any] = {
        "objectives": {"segment_alignment": 1.0},
        "steps": 24,
        "learning_rate": 1e-2,
        "warmup_steps": 1,
    }
    encoder = {"depth": 1, "num_heads": 4, "segment_latents": 3}
    found = mini_stage(founder, encoder=encoder, receivers=[founder], **alignment)
    joining = {
        "name": "receiver",
        "sender": founder,
        "train": ["adapters"],
        "receivers": [receiver],
        "batch_size": 6,
        "validation": {"rows": 4},
        **alignment,
    }
    return Trial(founder, receiver, [found, joining])


def test_founder_and_receiver_are_aligned_by_it_alone(
    trial: Trial, tmp_path: Path, sample_data_dir: Path
) -> None:
    recipe = trial.recipe
    run_stages(recipe, recipe.stages, tmp_path / "run", sample_data_dir)
    for stage in recipe.stages:
        lines = (tmp_path / "run" / "stages" / stage.name / "metrics.jsonl").read_text()
        losses = [
            found["segment_alignment"]
            for found in map(json.loads, lines.splitlines())
            if "segment_alignment" in found
        ]
        assert losses[-1] < losses[0] - 0.1, stage.name


def test_bytes_join_by_it_without_a_receiver(
    trial: Trial, tmp_path: Path, sample_data_dir: Path
) -> None:
    trial.stages[1] = {
        "name": "bytes",
        "sender": "bytes",
        "teacher": trial.founder,
        "train": ["encoder"],
        "receivers": [trial.founder],
        "encoder": {"num_layers": 1, "num_heads": 4, "segment_latents": 3},
        "objectives": {"segment_alignment": 1.0, "latent_distillation": 1.0},
        "steps": 24,
        "learning_rate": 1e-2,
        "warmup_steps": 1,
        "batch_size": 6,
        "validation": {"rows": 4},
    }
    recipe = trial.recipe
    run_stages(recipe, recipe.stages, tmp_path / "run", sample_data_dir)
    lines = (tmp_path / "run" / "stages" / "bytes" / "metrics.jsonl").read_text()
    found = [line for line in map(json.loads, lines.splitlines()) if "latent_distillation" in line]
    for objective in ("segment_alignment", "latent_distillation"):
        assert found[-1][objective] < found[0][objective] - 0.1, objective


@pytest.mark.parametrize("cuts_alike", [False, True])
def test_latents_that_stand_for_the_same_are_distilled_and_no_others(
    trial: Trial, tmp_path: Path, sample_data_dir: Path, cuts_alike: bool
) -> None:
    # The founder's own states are cut alike; bytes are not, and of the teacher's four latents only
    # the first is of the whole text.
    trial.stages[0]["steps"] = 1
    found = Recipe.model_validate({**trial.recipe.model_dump(), "stages": trial.stages[:1]})
    run_stages(found, found.stages, tmp_path, sample_data_dir)
    depth = {"depth": 1} if cuts_alike else {"num_layers": 1}
    trial.stages[1] = mini_stage(
        trial.founder if cuts_alike else "bytes",
        name="pupil",
        teacher=trial.founder,
        receivers=[trial.founder],
        train=["encoder"],
        encoder={**depth, "num_heads": 4, "segment_latents": 3},
        objectives={"latent_distillation": 1.0},
    )
    recipe = trial.recipe
    trainer = Trainer(recipe, recipe.stages[1], tmp_path, sample_data_dir, start_accelerator())
    before = trainer.loss(0).item()
    teacher, _ = trainer.parts.teacher or (None, None)
    assert isinstance(teacher, HiddenStateEncoder)
    with torch.no_grad():
        teacher.resampler.queries[1:] += 9 * torch.randn(3, 32)
    after = trainer.loss(0).item()
    if cuts_alike:
        assert after != pytest.approx(before, abs=1e-3)
    else:
        assert after == pytest.approx(before, abs=1e-6)
    with torch.no_grad():
        teacher.resampler.queries[0] += 9 * torch.randn(32)
    assert trainer.loss(0).item() != pytest.approx(after, abs=1e-3)


def test_adapters_are_trained_for_the_bits_they_are_stored_in(
    trial: Trial, tmp_path: Path, sample_data_dir: Path
) -> None:
    trial.stages[0] |= {"adapter_bits": 4, "steps": 2}
    recipe = trial.recipe
    trainer = Trainer(recipe, recipe.stages[0], tmp_path, sample_data_dir, start_accelerator())
    trainer.run()
    (trained,) = trainer.parts.adapters.values()
    stored = Part.load(tmp_path / "adapters" / Path(trial.founder).name, "adapter").module
    assert isinstance(stored, Adapter)
    assert not torch.equal(stored.project.weight, trained.project.weight)  # sixteen values a group
    with stored_weights(trainer.parts, recipe.stages[0]):  # as the late steps see them
        torch.testing.assert_close(stored.project.weight, trained.project.weight, atol=0, rtol=1e-3)


def test_tokens_are_placed_once_unless_some_are_hidden(
    trial: Trial, tmp_path: Path, sample_data_dir: Path
) -> None:
    recipe = trial.recipe
    stage = recipe.stages[0]
    trainer = Trainer(recipe, stage, tmp_path / "run", sample_data_dir, start_accelerator())
    placements, (receiver,) = trainer.step_loss.placements, trainer.parts.receivers.values()
    rows = [0, 1, 2]
    _, mask = trainer.step_loss.inputs.batch(rows)
    adapter = trainer.parts.adapters[receiver.name].config
    assert isinstance(adapter, AdapterConfig)
    first = placements.of(rows, mask, receiver, adapter, whole=True)
    again = placements.of(rows[::-1], mask.flip(0), receiver, adapter, whole=True)
    assert all(one is other for one, other in zip(first, again[::-1], strict=True))
    mask[:, 2:] = False
    hidden = placements.of(rows, mask, receiver, adapter, whole=False)
    for seen, unseen in zip(first, hidden, strict=True):
        assert (seen.ids == unseen.ids).all()
        assert (unseen.places >= 0).sum() < (seen.places >= 0).sum()


def test_a_short_text_is_a_short_message(
    trial: Trial, tmp_path: Path, sample_data_dir: Path
) -> None:
    recipe = trial.recipe
    run_stages(recipe, recipe.stages, tmp_path, sample_data_dir)
    encoder, adapter = (
        str(tmp_path / role / Path(name).name)
        for role, name in (("encoders", trial.founder), ("adapters", trial.receiver))
    )
    sender = Sender.from_pretrained(trial.founder, encoder=encoder)
    listener = Receiver.from_pretrained(trial.receiver, adapter=adapter)
    texts = ["x", "a film of seven cards", "x"]
    packets = sender.encode_batch(texts)
    assert sender.frozen is not None
    read = [len(ids) for ids in sender.frozen.ids_read(texts)]
    assert read[0] < 5
    # One latent of the whole, then one for every two tokens.
    assert [len(packet.decode().latents) for packet in packets] == [
        1 + min(3, (tokens + 1) // 2) for tokens in read
    ]
    assert len(sender.encode("a film", k=2).decode().latents) == 2
    assert sender.latents(texts).shape == (3, 4, 32)
    choices = ["yes", "no"]
    together = listener.ask_batch(packets, choices=choices)
    for packet, answer in zip(packets, together, strict=True):
        alone = listener.ask(packet, choices=choices)
        assert alone.log_probabilities == pytest.approx(answer.log_probabilities, abs=1e-4)
    # What was left out is not what the receiver answers by.
    whole = Message(
        latents=sender.latents(["x"])[0].numpy(), sender=sender.ref, space=sender.space
    ).encode("f32")
    longer = listener.ask(whole, choices=choices)
    assert longer.log_probabilities != pytest.approx(together[0].log_probabilities, abs=1e-4)


@pytest.mark.parametrize("mode", ["soft_tokens", "deep"])
@pytest.mark.parametrize(
    "objective", ["label_likelihood", "choice_likelihood", "first_token_likelihood"]
)
def test_training_reads_no_latent_after_the_text(
    trial: Trial, tmp_path: Path, sample_data_dir: Path, objective: str, mode: str
) -> None:
    trial.stages[0] |= {"objectives": {objective: 1.0}}
    trial.stages[0]["encoder"]["segment_latents"] = 199
    recipe = Recipe.model_validate(
        mini_recipe(
            [trial.founder],
            trial.stages[:1],
            space={"name": "mini", "num_latents": 200, "latent_width": 32},
            adapter={"mode": mode},
            full_length_share=1.0,
        )
    )
    trainer = Trainer(
        recipe, recipe.stages[0], tmp_path / "run", sample_data_dir, start_accelerator()
    )
    encoder = trainer.parts.encoder
    assert isinstance(encoder, HiddenStateEncoder)
    parts = trainer.parts
    measured = (encoder, parts.adapters, parts.receivers)
    loss, figures = trainer.loss(0).item(), trainer.validation.measure(*measured)
    with torch.no_grad():
        encoder.resampler.queries[-1] += 9 * torch.randn(
            32
        )  # no later latent hears of it, no text is that long
    assert trainer.loss(0).item() == pytest.approx(loss, abs=1e-5)
    assert trainer.validation.measure(*measured) == figures
    with torch.no_grad():
        encoder.resampler.queries[0] += 9 * torch.randn(32)
    assert trainer.loss(0).item() != pytest.approx(loss, abs=1e-4)


def test_a_dry_run_walks_it(trial: Trial) -> None:
    recipe = trial.recipe
    found = dry_run(recipe, recipe.stages[0])
    assert len(found["losses"]) == 2
    # What estimates count: two soft tokens of each latent but the first.
    assert recipe.adapter.tokens_of(4) == 7
    assert AdapterRecipe(mode="deep", tokens_per_latent=2).tokens_of(4) == 4


def test_an_encoder_without_segments_is_refused(
    trial: Trial, tmp_path: Path, sample_data_dir: Path
) -> None:
    del trial.stages[0]["encoder"]["segment_latents"]
    with pytest.raises(ValidationError, match="segment_latents"):
        _ = trial.recipe
    trial.stages[0]["objectives"] = {"label_likelihood": 1.0}
    recipe = trial.recipe
    with pytest.raises(RecipeError, match="each stand for a segment"):
        run_stages(recipe, recipe.stages, tmp_path / "run", sample_data_dir)


def test_segments_of_single_tokens_are_refused(
    trial: Trial, tmp_path: Path, sample_data_dir: Path
) -> None:
    trial.stages[0]["encoder"]["segment_latents"] = 4  # of four, the first is a single token
    recipe = trial.recipe
    with pytest.raises(RecipeError, match="first 1 latents"):
        run_stages(recipe, recipe.stages, tmp_path / "run", sample_data_dir)


def test_key_value_prefixes_are_not_aligned(trial: Trial) -> None:
    with pytest.raises(ValidationError, match="compares soft tokens"):
        Recipe.model_validate(
            mini_recipe([trial.founder], trial.stages[:1], adapter={"mode": "deep"})
        )
