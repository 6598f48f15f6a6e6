"""Training without a feature cache: states are computed every time, and are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from latentwire.frozen import FrozenModel
from latentwire.training.compute import start_accelerator
from latentwire.training.feature_cache import FeatureCache
from latentwire.training.features import JoinedCaches, StateInputs
from latentwire.training.loop import FEATURES, Trainer
from latentwire.training.recipe import Recipe
from mini_recipes import mini_recipe, mini_stage
from random_models import RandomModel

TEXTS = ["a gorgeous film", "who is she ?", "no", "it runs on and on and on , and then it ends"]


@pytest.mark.parametrize("layer", [1, (1, 2)])
def test_they_are_those_of_the_cache(
    tmp_path: Path, random_llama: RandomModel, layer: int | tuple[int, ...]
) -> None:
    frozen = FrozenModel.load(random_llama.model)
    live = StateInputs(frozen, layer, TEXTS)
    rows = [2, 0, 3]
    with torch.autocast("cpu", torch.bfloat16):  # whatever a step is in
        cached = JoinedCaches([FeatureCache.open(tmp_path, frozen, layer, TEXTS)])
        states, mask = live.batch(rows)
    assert live.width(rows) == cached.width(rows)
    kept, kept_mask = cached.batch(rows)
    assert torch.equal(mask, kept_mask)
    torch.testing.assert_close(states[mask], kept[mask], atol=2e-3, rtol=2e-3)  # float16 on disk
    assert not states.is_inference()  # a step may need gradients of what follows


def test_as_many_are_sampled_as_are_asked_for(random_llama: RandomModel) -> None:
    live = StateInputs(FrozenModel.load(random_llama.model), 1, TEXTS)
    everything = live.sample(10_000, 1)
    assert len(everything) == sum(len(ids) for ids in live.ids)
    assert live.sample(3, 1).shape == (3, everything.shape[1])
    assert torch.equal(live.sample(3, 1), live.sample(3, 1))


def test_a_stage_trains_without_a_cache(
    tmp_path: Path, sample_data_dir: Path, random_llama: RandomModel
) -> None:
    losses = []
    for is_cached in (True, False):
        recipe = Recipe.model_validate(
            mini_recipe(
                [random_llama.model],
                [mini_stage(random_llama.model)],
                engine={"cache_states": is_cached},
            )
        )
        run_dir = tmp_path / str(is_cached) / "run"
        trainer = Trainer(recipe, recipe.stages[0], run_dir, sample_data_dir, start_accelerator())
        losses.append(trainer.run()["loss"])
        assert (run_dir.parent / FEATURES).exists() is is_cached
    assert losses[0] == pytest.approx(losses[1], abs=0.02)
