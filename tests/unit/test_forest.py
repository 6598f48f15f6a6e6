"""Closed questions that differ from row to row score as each does alone; they can be trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from latentwire.frozen import ChoiceTree, FrozenModel, score_choices
from latentwire.frozen.forest import forest_scores
from latentwire.frozen.prompt import rows_of
from latentwire.training.batches import Batch
from latentwire.training.compute import start_accelerator
from latentwire.training.loop import Trainer
from latentwire.training.objectives import choice_likelihood
from latentwire.training.recipe import Recipe
from mini_recipes import mini_recipe, mini_stage
from random_models import RandomModel

ASKED = (
    ("Which of these occurs: film or pin?", ("film", "pin")),
    ("Intent:", ("card", "card payment", "card payment fee charged", "top up", "world")),
    (None, ("a", "b", "c")),
)


@pytest.fixture(params=["llama", "qwen"])
def frozen(request: pytest.FixtureRequest) -> FrozenModel:
    made: RandomModel = request.getfixturevalue(f"random_{request.param}")
    return FrozenModel.load(made.model)


@pytest.fixture
def trees(frozen: FrozenModel) -> list[ChoiceTree]:
    return [ChoiceTree.build(frozen, *asked) for asked in ASKED]


def prefix_of(frozen: FrozenModel, kind: str) -> torch.Tensor:
    """Three messages of five entries, as soft tokens or as keys and values."""
    generator = torch.Generator().manual_seed(4)
    if kind == "soft":
        return 0.1 * torch.randn(3, 5, frozen.hidden_size, generator=generator)
    layers, heads, dim = (
        frozen.num_layers,
        frozen.config.num_key_value_heads,
        frozen.key_values.head_dim,
    )
    return torch.randn(layers, 2, 3, heads, 5, dim, generator=generator)


@pytest.mark.parametrize("kind", ["soft", "deep"])
@pytest.mark.parametrize("is_padded", [False, True])
def test_a_row_of_a_forest_scores_as_its_tree_alone(
    frozen: FrozenModel, trees: list[ChoiceTree], kind: str, is_padded: bool
) -> None:
    prefix, mask = prefix_of(frozen, kind), None
    if is_padded:
        mask = torch.ones(3, 5, dtype=torch.bool)
        mask[0, :2] = mask[1, 4:] = False
    with torch.inference_mode():
        found = forest_scores(frozen, prefix, mask, trees)
    assert found.shape == (3, 5)
    for row, tree in enumerate(trees):
        hidden = None if mask is None else mask[row : row + 1]
        alone = score_choices(frozen, rows_of(prefix, [row]), hidden, tree)[0]
        assert found[row, : len(alone)].tolist() == pytest.approx(alone.tolist(), abs=2e-4)
        assert found[row, len(alone) :].eq(-torch.inf).all()


def test_choices_compete_whatever_their_rows_are_asked(
    frozen: FrozenModel, trees: list[ChoiceTree]
) -> None:
    """Shared trees, trees of their own, rows without choices: each row counts once."""
    prefix = prefix_of(frozen, "soft")[[0, 1, 2, 0, 1]].clone().requires_grad_()
    asked = [(trees[0], 1), (trees[1], 3), None, (trees[1], 0), (trees[2], 2)]
    loss = choice_likelihood(frozen, prefix, asked)
    expected = [
        -score_choices(frozen, prefix.detach()[row : row + 1], None, one[0])[0].log_softmax(0)[
            one[1]
        ]
        for row, one in enumerate(asked)
        if one is not None
    ]
    assert float(loss.detach()) == pytest.approx(float(torch.stack(expected).mean()), rel=1e-4)
    loss.backward()
    assert prefix.grad is not None
    reached = prefix.grad.abs().sum((1, 2)) > 0
    assert reached.tolist() == [True, True, False, True, True]
    nothing = choice_likelihood(frozen, prefix, [None] * 5)
    assert float(nothing.detach()) == 0
    nothing.backward()  # there is a gradient, of zeros


@pytest.fixture
def recipe(random_llama: RandomModel, random_qwen: RandomModel) -> Recipe:
    stage: dict[str, Any] = mini_stage(
        random_llama.model, steps=12, batch_size=8, objectives={"choice_likelihood": 1.0}
    )
    return Recipe.model_validate(
        mini_recipe(
            [random_qwen.model],
            [stage],
            engine={"accumulation": 2},
            questions={"occurring_word": 0.5, "story_quantity": 0.3},
            questions_of_a_kind=64,
        )
    )


def test_choices_alone_train_a_bridge(
    recipe: Recipe, tmp_path: Path, sample_data_dir: Path
) -> None:
    trainer = Trainer(
        recipe, recipe.stages[0], tmp_path / "run", sample_data_dir, start_accelerator()
    )
    batches = [trainer.batches.draw(step) for step in range(6)]
    closed = [one for batch in batches for one in batch.closed]
    assert any(one is None for one in closed)  # how many, in a story, is written, not chosen
    assert any(one is not None for one in closed)
    before = sum(trainer.loss(step).item() for step in range(4))
    result = trainer.run()
    assert sum(trainer.loss(step).item() for step in range(4)) < before
    assert result["choice_likelihood"] > 0


def test_pieces_of_a_batch_add_up_by_their_closed_questions(
    recipe: Recipe, tmp_path: Path, sample_data_dir: Path
) -> None:
    trainer = Trainer(
        recipe, recipe.stages[0], tmp_path / "run", sample_data_dir, start_accelerator()
    )

    def whole_and_pieces(batch: Batch) -> tuple[float, float]:
        weights = {"choice_likelihood": 1.0, "own_losses": 1.0}
        whole = float(trainer.step_loss(batch, weights)["loss"].detach())
        total = batch.counts["closed questions"]
        pieces = [batch.piece(index, 3) for index in range(3)]
        return whole, sum(
            float(trainer.step_loss(piece, weights)["loss"].detach())
            * piece.counts["closed questions"]
            / total
            for piece in pieces
        )

    for step in range(3):
        whole, pieces = whole_and_pieces(trainer.batches.draw(step))
        assert pieces == pytest.approx(whole, rel=1e-4)


def test_trees_are_built_only_for_who_asks(
    recipe: Recipe, tmp_path: Path, sample_data_dir: Path
) -> None:
    stage = recipe.stages[0].model_copy(
        update={"objectives": type(recipe.stages[0].objectives)(label_likelihood=1.0)}
    )
    trainer = Trainer(recipe, stage, tmp_path / "run", sample_data_dir, start_accelerator())
    assert set(trainer.batches.draw(0).closed) == {None}
