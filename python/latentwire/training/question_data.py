"""The questions of a recipe: what texts are asked that their sender never sees."""

from __future__ import annotations

from pathlib import Path

from latentwire.tasks.asked import QUESTION_SETS, Asked, ContrastQuestions
from latentwire.tasks.base import Split
from latentwire.training.passages import load_passages
from latentwire.training.recipe import Recipe


def load_questions(recipe: Recipe, data_dir: Path) -> dict[str, list[Asked]]:
    """Training questions of every kind in a recipe.

    Raises:
        UsageError: If a file is missing.
    """
    passages = [
        load_passages(corpus, data_dir, count, recipe.seed)
        for corpus, count in recipe.question_passages.items()
    ]
    limit, found = recipe.questions_of_a_kind, {}
    for kind in recipe.questions:
        questions = QUESTION_SETS[kind]
        asked = questions.load("train", data_dir, limit=limit)
        if isinstance(questions, ContrastQuestions) and passages:
            asked += questions.ask(passages, limit=max(0, limit - len(asked)))
        found[kind] = asked
    return found


def load_held_out_questions(
    recipe: Recipe, split: Split, data_dir: Path, limit: int
) -> dict[str, list[Asked]]:
    """The first ``limit`` questions of a split of every kind in a recipe."""
    return {
        kind: QUESTION_SETS[kind].load(split, data_dir, limit=limit) for kind in recipe.questions
    }
