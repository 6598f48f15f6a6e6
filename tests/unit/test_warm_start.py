"""An encoder begins with the weights of another one, of the same architecture and sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from latentwire.checkpoint import Part
from latentwire.errors import CheckpointError
from latentwire.training.compute import start_accelerator
from latentwire.training.loop import Trainer
from latentwire.training.recipe import Recipe
from mini_recipes import mini_recipe, mini_stage
from random_models import RandomModel


def _trainer(model: str, run_dir: Path, data_dir: Path, **changes: object) -> Trainer:
    recipe = Recipe.model_validate(mini_recipe([model], [mini_stage(model, **changes)], seed=2))
    return Trainer(recipe, recipe.stages[0], run_dir, data_dir, start_accelerator())


def test_it_has_them_before_the_first_step(
    tmp_path: Path, sample_data_dir: Path, random_llama: RandomModel
) -> None:
    model = random_llama.model
    former = _trainer(model, tmp_path / "former", sample_data_dir)
    former.run()
    [folder] = (tmp_path / "former" / "encoders").iterdir()
    expected = Part.load(folder, "encoder").module.state_dict()
    fresh = _trainer(model, tmp_path / "fresh", sample_data_dir).parts.encoder.state_dict()
    warm = _trainer(model, tmp_path / "warm", sample_data_dir, start=str(folder))
    for name, value in warm.parts.encoder.state_dict().items():
        if "normalizer" not in name:  # measured anew
            assert torch.equal(value, expected[name]), name
    assert any(not torch.equal(fresh[name], expected[name]) for name in fresh)
    with pytest.raises(CheckpointError, match="start: the encoder in"):
        _trainer(
            model, tmp_path / "other", sample_data_dir, start=str(folder), encoder={"depth": 2}
        )


def test_it_is_for_encoders_that_are_trained() -> None:
    stage = mini_stage("minilm", train=["adapters"], start="somewhere")
    del stage["layer"], stage["encoder"]
    with pytest.raises(ValueError, match="start is of an encoder that is trained"):
        Recipe.model_validate(mini_recipe(["tiny-qwen"], [stage]))
