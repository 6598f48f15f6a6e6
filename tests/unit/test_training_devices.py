"""Ways that only a GPU takes lead to the same numbers; they are walked here on the processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from latentwire.frozen import ChoiceTree, FrozenModel, score_choices
from latentwire.message import quantize_roundtrip
from latentwire.models.quantizer import round_to_int8
from latentwire.training.batches import DrawnAhead
from latentwire.training.compute import start_accelerator
from latentwire.training.feature_cache import gathered, padded
from latentwire.training.loop import Trainer
from latentwire.training.recipe import Recipe
from mini_recipes import mini_recipe, mini_stage
from random_models import RandomModel


def bits(values: torch.Tensor) -> torch.Tensor:
    return values.contiguous().view(torch.int32)


@pytest.mark.parametrize("magnitude", [1, 1e-3, 1e-37, 1e-39, 1e30])
def test_int8_without_the_codec_is_that_of_the_codec(magnitude: float) -> None:
    latents = magnitude * torch.randn(64, 9, 48, generator=torch.Generator().manual_seed(1))
    latents[0] = 0
    latents[1, :, 1:] = 0
    latents[2] = torch.arange(48) - 23.5  # halves, as far as scales allow
    latents[3, 0, :4] = torch.tensor([-127.0, 0.5, -0.5, -0.0])
    latents[3, 0, 4:] = 0
    found = round_to_int8(latents)
    expected = torch.from_numpy(quantize_roundtrip(latents.numpy(), "int8"))
    assert torch.equal(bits(found), bits(expected))


@pytest.mark.parametrize("odd", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_finite_does_not_become_so_in_int8(odd: float) -> None:
    latents = torch.ones(2, 3, 8)
    latents[1, 2, 5] = odd
    found = round_to_int8(latents)
    assert not found[1, 2].isfinite().all()
    assert found[0].isfinite().all()


@pytest.mark.parametrize("shape", [(4,), (2, 4)])
def test_states_are_gathered_as_they_are_padded(shape: tuple[int, ...]) -> None:
    lengths = np.array([3, 1, 5, 0, 2])
    offsets = np.cumsum([0, *lengths])
    states = np.random.default_rng(1).normal(size=(offsets[-1], *shape)).astype(np.float16)
    rows = [4, 0, 3, 2, 0]
    expected = padded([states[offsets[r] : offsets[r + 1]] for r in rows], torch.device("cpu"))
    starts = torch.from_numpy(offsets[rows])
    found = gathered(torch.from_numpy(states), starts, torch.from_numpy(lengths[rows]))
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)


def test_batches_that_are_drawn_ahead_are_the_same(
    random_llama: RandomModel, random_qwen: RandomModel, sample_data_dir: Path, tmp_path: Path
) -> None:
    stage = mini_stage(random_llama.model, batch_size=8, token_dropout=0.2, length_groups=2)
    recipe = Recipe.model_validate(mini_recipe([random_qwen.model], [stage]))
    trainer = Trainer(
        recipe, recipe.stages[0], tmp_path / "run", sample_data_dir, start_accelerator()
    )
    ahead = DrawnAhead(trainer.batches, in_thread=True)
    for step, prepared in ((0, 1), (1, 2), (1, 2), (5, 6), (6, 7)):  # it may start again elsewhere
        found, expected = ahead.draw(step), trainer.batches.draw(step)
        ahead.prepare(prepared)
        ahead.prepare(prepared)
        assert (found.rows, found.questions) == (expected.rows, expected.questions)
        assert found.kept is not None
        assert expected.kept is not None
        assert torch.equal(found.kept, expected.kept)
    # States that lie on the device are the ones that are gathered from the disk.
    inputs = trainer.batches.inputs
    expected_inputs = inputs.batch(found.rows)
    inputs.resident = inputs._on_device()  # type: ignore[attr-defined]
    for one, other in zip(inputs.batch(found.rows), expected_inputs, strict=True):
        assert torch.equal(one, other)


def test_a_tree_is_copied_to_a_device_once(random_llama: RandomModel) -> None:
    frozen = FrozenModel.load(random_llama.model)
    tree = ChoiceTree.build(frozen, "Intent:", ("card", "card payment", "top up"))
    assert tree.on(frozen.device) is tree
    elsewhere = tree.on(torch.device("meta"))
    assert elsewhere is tree.on(torch.device("meta"))
    assert elsewhere.following.is_meta
    assert elsewhere.ids == tree.ids
    prefix = torch.zeros(1, 2, frozen.hidden_size)
    scores = score_choices(frozen, prefix, None, tree)
    assert scores.shape == (1, 3)
