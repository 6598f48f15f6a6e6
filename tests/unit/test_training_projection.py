"""Projectors by recipe: what is trained, resumed, refused, and what a link answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from latentwire.comparison.links import measure_link
from latentwire.errors import CheckpointError, RecipeError, UsageError
from latentwire.link import KeyValueLink
from latentwire.training.command import train
from latentwire.training.compute import start_accelerator
from latentwire.training.projection.recipe import ProjectorRecipe, projector_folder
from latentwire.training.projection.trainer import ProjectorTrainer
from latentwire.training.recipe_file import load_any_recipe
from random_models import RandomModel

STEPS = 4


@pytest.fixture
def path(random_llama: RandomModel, random_qwen: RandomModel, tmp_path: Path) -> Path:
    recipe = {
        "sender": random_llama.model,
        "receiver": random_qwen.model,
        "projector": {"inner_width": 16},
        "tasks": {"sst2": 0.5, "trec": 0.5},
        "steps": STEPS,
        "batch_size": 4,
        "validation_rows": 2,
        "engine": {"save_every": 2, "log_every": 1},
    }
    path = tmp_path / "projector.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def weights(trainer: ProjectorTrainer) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trainer.link.projector.state_dict().items()}


def test_a_projector_is_trained_saved_and_asked(path: Path, sample_data_dir: Path) -> None:
    run_dir = path.parent / "run"
    result = train(path, [], run_dir=run_dir, data_dir=sample_data_dir)
    assert result[0]["step"] == STEPS
    recipe = load_any_recipe(path)
    assert isinstance(recipe, ProjectorRecipe)
    assert set(result[0]["validation"]) == {recipe.receiver}
    folder = run_dir / projector_folder(recipe)
    link = KeyValueLink.from_pretrained(recipe.sender, recipe.receiver, projector=folder)
    texts = ["a fine film about cards", "no"]
    both = link.ask_batch(texts, question="Sentiment:", choices=["good", "bad"])
    for text, answer in zip(texts, both, strict=True):  # padding says nothing
        alone = link.ask_batch([text], question="Sentiment:", choices=["good", "bad"])[0]
        assert alone.log_probabilities == pytest.approx(answer.log_probabilities, abs=1e-3)
    entries = len(link.sender.tokenize([texts[0]])[0])
    config = link.projector.config
    width = config.sender_layers * config.sender_heads * config.sender_head_dim
    assert link.num_bytes(texts[0]) == entries * width * 2 * 2
    figures = measure_link(recipe, run_dir, sample_data_dir, {"sst2": 4, "trec": 4})
    assert set(figures["figures"][recipe.receiver]) == {"latent", "zero message", "other message"}
    assert train(path, [], run_dir=run_dir, data_dir=sample_data_dir, check_only=True)[0][
        "parameters"
    ] == sum(p.numel() for p in link.projector.parameters())
    for sender, receiver, what in (
        (recipe.receiver, recipe.receiver, "sender"),
        (recipe.sender, recipe.sender, "receiver"),
    ):
        with pytest.raises(CheckpointError, match=f"trained for a {what} with"):
            KeyValueLink.from_pretrained(sender, receiver, projector=folder)


def test_a_stopped_run_ends_as_one_that_was_not(
    path: Path, sample_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load_any_recipe(path)
    assert isinstance(recipe, ProjectorRecipe)

    def build(name: str) -> ProjectorTrainer:
        folder = path.parent / name
        return ProjectorTrainer(recipe, folder, sample_data_dir, start_accelerator())

    whole = build("whole")
    frozen = (whole.link.sender, whole.link.receiver)
    before = [model.weights_digest for model in frozen]
    fresh = weights(whole)
    whole.run()
    for model, digest in zip(frozen, before, strict=True):
        del model.__dict__["weights_digest"]
        assert model.weights_digest == digest
    assert not torch.equal(weights(whole)["translate.0.0.weight"], fresh["translate.0.0.weight"])
    cut = build("cut")
    step = cut.step

    def killed(number: int) -> Any:
        if number == 3:
            raise KeyboardInterrupt
        return step(number)

    monkeypatch.setattr(cut, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    resumed = build("cut")
    resumed.run()
    for name, value in weights(whole).items():
        assert torch.equal(weights(resumed)[name], value), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("tasks={sst3: 1.0}", "did you mean 'sst2'"),
        ("projector.width=4", "did you mean 'inner_width'"),
        ("engine.accumulation=2", "by one process"),
        ("steps=0", "steps"),
    ],
)
def test_what_does_not_fit_is_refused(path: Path, change: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_any_recipe(path, [change])


def test_a_sender_without_keys_and_values_is_refused(path: Path, sample_data_dir: Path) -> None:
    with pytest.raises(UsageError, match="minilm"):
        train(path, ["sender=minilm"], run_dir=path.parent / "run", data_dir=sample_data_dir)
