"""Parts begin with the weights of former ones, of the same architecture and sizes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from latentwire.checkpoint import Part
from latentwire.errors import CheckpointError, LatentwireError
from latentwire.models.registry import Role
from latentwire.training.compute import start_accelerator
from latentwire.training.loop import Trainer
from latentwire.training.recipe import Recipe
from mini_recipes import mini_recipe, mini_stage
from random_models import RandomModel


def _trainer(model: str, run_dir: Path, data_dir: Path, **changes: object) -> Trainer:
    recipe = Recipe.model_validate(mini_recipe([model], [mini_stage(model, **changes)], seed=2))
    return Trainer(recipe, recipe.stages[0], run_dir, data_dir, start_accelerator())


def _former_run(model: str, tmp_path: Path, data_dir: Path) -> tuple[Path, Path]:
    """A run that has ended, and the folder of its encoder."""
    run_dir = tmp_path / "former"
    _trainer(model, run_dir, data_dir).run()
    [encoder] = (run_dir / "encoders").iterdir()
    return run_dir, encoder


def test_encoder_and_adapters_have_them_before_the_first_step(
    tmp_path: Path, sample_data_dir: Path, random_llama: RandomModel
) -> None:
    model, former = random_llama.model, tmp_path / "former"
    _trainer(model, former, sample_data_dir).run()
    fresh = _trainer(model, tmp_path / "fresh", sample_data_dir).parts.trained
    warm = _trainer(model, tmp_path / "warm", sample_data_dir, start=str(former)).parts.trained
    roles: list[tuple[str, Role]] = [("encoder", "encoder"), (f"adapter.{model}", "adapter")]
    for key, role in roles:
        [folder] = (former / f"{role}s").iterdir()
        expected = Part.load(folder, role).module.state_dict()
        for name, value in warm[key].state_dict().items():
            if "colorizer" not in name:  # measured on the receiver as it is now
                assert torch.equal(value, expected[name]), name
        others = fresh[key].state_dict()
        assert any(not torch.equal(others[name], expected[name]) for name in others)
    other: dict[str, object] = {"start": str(former), "encoder": {"depth": 2}}
    with pytest.raises(CheckpointError, match="start: the encoder in"):
        _trainer(model, tmp_path / "other", sample_data_dir, **other)


def test_an_encoder_that_has_grown_since_begins_as_what_it_was(
    tmp_path: Path, sample_data_dir: Path, random_llama: RandomModel
) -> None:
    model = random_llama.model
    former, folder = _former_run(model, tmp_path, sample_data_dir)
    expected = Part.load(folder, "encoder").module.state_dict()
    grown: dict[str, object] = {
        "start": str(former),
        "encoder": {"depth": 1, "num_heads": 4, "pooled_latents": 2},
    }
    trainer = _trainer(model, tmp_path / "grown", sample_data_dir, **grown)
    for name, value in trainer.parts.encoder.state_dict().items():
        if name.startswith("beginning.expand"):
            assert not value.any(), name
        elif name in expected:
            assert torch.equal(value, expected[name]), name
    trainer.run()
    [folder] = (tmp_path / "grown" / "encoders").iterdir()
    assert Part.load(folder, "encoder").module.state_dict()["beginning.expand.weight"].any()


def test_a_normalizer_of_another_sender_is_measured_anew(
    tmp_path: Path, sample_data_dir: Path, random_llama: RandomModel
) -> None:
    model = random_llama.model
    former, folder = _former_run(model, tmp_path, sample_data_dir)
    part = Part.load(folder, "encoder")
    expected = part.module.state_dict()["normalizer.mean"].clone()
    with torch.no_grad():
        part.module.state_dict()["normalizer.mean"].add_(1)
    replace(part, model_digest="00" * 32).save(folder)
    warm = _trainer(model, tmp_path / "warm", sample_data_dir, start=str(former)).parts.encoder
    assert torch.allclose(warm.state_dict()["normalizer.mean"], expected, atol=1e-2)
    replace(part, model_digest=part.model_digest).save(folder)
    warm = _trainer(model, tmp_path / "warm", sample_data_dir, start=str(former)).parts.encoder
    assert torch.allclose(warm.state_dict()["normalizer.mean"], expected + 1, atol=1e-2)


def test_a_former_part_that_is_not_there(
    tmp_path: Path, sample_data_dir: Path, random_llama: RandomModel
) -> None:
    with pytest.raises(LatentwireError, match="nowhere"):
        _trainer(random_llama.model, tmp_path, sample_data_dir, start=str(tmp_path / "nowhere"))
