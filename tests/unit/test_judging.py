"""Questions that differ from row to row are judged as one row alone would be answered."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from latentwire.frozen import ChoiceTree, FrozenModel, generate, score_choices
from latentwire.frozen.scoring import text_prefix
from latentwire.judging import judge
from latentwire.tasks.asked import Asked
from random_models import RandomModel

TEXT = "Ann has 12 eggs and Tom has 7 pens ."
CLOSED = (
    Asked(TEXT, "Who has eggs: Ann or Tom?", ("Ann", "Tom"), "Ann", "who"),
    Asked(TEXT, "Which: a film, the pin or rain?", ("a film", "the pin", "rain"), "rain", "which"),
    Asked(TEXT, "Sentiment:", ("negative", "positive"), "positive", "sst2"),
)


@pytest.fixture(scope="module")
def frozen(random_qwen: RandomModel) -> FrozenModel:
    return FrozenModel.load(random_qwen.model)


@pytest.fixture
def messages(frozen: FrozenModel) -> tuple[torch.Tensor, torch.Tensor]:
    """Soft tokens [3, 4, d] and their mask; the second message is shorter."""
    generator = torch.Generator().manual_seed(3)
    prefix = 0.1 * torch.randn(3, 4, frozen.hidden_size, generator=generator)
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[1, :2] = False
    return prefix, mask


def test_choices_are_scored_as_the_tree_scores_them(
    frozen: FrozenModel, messages: tuple[torch.Tensor, torch.Tensor]
) -> None:
    prefix, mask = messages
    same = (CLOSED[2], *[replace(CLOSED[2], answer="negative")] * 2)
    for rows in (CLOSED, same):
        check(frozen, prefix, mask, rows)


def check(
    frozen: FrozenModel, prefix: torch.Tensor, mask: torch.Tensor, rows: tuple[Asked, ...]
) -> None:
    found = judge(frozen, prefix, mask, rows)
    for row, asked in enumerate(rows):
        tree = ChoiceTree.build(frozen, asked.question, asked.choices or ())
        scores = score_choices(frozen, prefix[row : row + 1], mask[row : row + 1], tree)[0]
        assert asked.label is not None
        assert found.log_likelihoods[row] == pytest.approx(float(scores[asked.label]), abs=1e-4)
        assert bool(found.are_right[row]) == (int(scores.argmax()) == asked.label)


def test_a_generated_answer_is_right_if_it_is_what_is_written() -> None:
    frozen = FrozenModel.load("tiny-qwen")
    prefix, mask = text_prefix(frozen, ["a gorgeous , witty , seductive movie ."] * 3)
    written = generate(frozen, prefix[:1], mask[:1], "Sentiment:")[0]
    assert written == "positive"
    rows = [
        Asked(TEXT, "Sentiment:", None, "positive", "open"),
        Asked(TEXT, "Sentiment:", None, "negative", "open"),
        Asked(TEXT, "Sentiment:", None, "negative", "open", aliases=("none", "positive")),
    ]
    assert judge(frozen, prefix, mask, rows).are_right.tolist() == [True, False, True]
    mixed = [rows[1], Asked(TEXT, "Sentiment:", ("negative", "positive"), "positive", "c"), rows[0]]
    assert judge(frozen, prefix, mask, mixed).are_right.tolist() == [False, True, True]
