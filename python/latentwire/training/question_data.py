"""The questions of a recipe: what texts are asked that their sender never sees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from latentwire.tasks.asked import QUESTION_SETS, AnyTextQuestions, Asked
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
    limit = recipe.questions_of_a_kind
    return {kind: ask(kind, data_dir, passages, limit=limit) for kind in recipe.questions}


def ask(
    kind: str,
    data_dir: Path,
    passages: Sequence[Sequence[str]] = (),
    *,
    limit: int | None = None,
    seed: int = 0,
) -> list[Asked]:
    """Training questions of a kind, at most ``limit``; of passages too if it is asked of any text.

    Raises:
        UsageError: If a file is missing.
    """
    questions = QUESTION_SETS[kind]
    asked = questions.load("train", data_dir, limit=limit, seed=seed)
    if isinstance(questions, AnyTextQuestions) and passages:
        room = None if limit is None else max(0, limit - len(asked))
        asked += questions.ask(passages, limit=room, seed=seed)
    return asked


def load_held_out_questions(recipe: Recipe, data_dir: Path, limit: int) -> dict[str, list[Asked]]:
    """The first ``limit`` validation questions of every kind in a recipe."""
    return {
        kind: QUESTION_SETS[kind].load("validation", data_dir, limit=limit)
        for kind in recipe.questions
    }
