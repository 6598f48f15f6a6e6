"""Questions that the sender never sees, as rows of a training run."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from latentwire.errors import UsageError
from latentwire.tasks.asked import Asked
from latentwire.training.compute import start_accelerator
from latentwire.training.data import UNLABELED, Drawn, Rows
from latentwire.training.loop import Trainer
from latentwire.training.preflight import check_stages
from latentwire.training.recipe import Recipe
from mini_recipes import mini_recipe, mini_stage
from pydantic import ValidationError
from random_models import RandomModel


def recipe_with(model: RandomModel, **changes: object) -> Recipe:
    stage = mini_stage(model.model, steps=3, batch_size=32, validation={"rows": 8})
    questions = {"occurring_word": 0.3, "story_quantity": 0.3, "story_one_step": 0.3}
    asked = {"tasks": {"sst2": 0.3, "trec": 0.3}, "questions": questions, "questions_of_a_kind": 40}
    return Recipe.model_validate(mini_recipe([model.model], [stage], **{**asked, **changes}))


def test_texts_are_shared_by_the_questions_that_are_asked_of_them(sample_data_dir: Path) -> None:
    rows = Rows.load(["sst2"], "train", sample_data_dir)
    end = len(rows.texts)
    known, new = rows.texts[3], "Ann has 12 eggs ."
    first = Asked(known, "Which?", ("a", "b"), "a", "which")
    second = Asked(new, "How many?", None, "12", "count")
    third = Asked(new, "Who?", None, "Ann", "who")
    joined = rows.with_questions({"which": [first], "count": [second], "who": [third]})
    assert joined.texts[end:] == [new]
    assert joined.labels[end:] == [UNLABELED]
    assert joined.blocks() == [range(end), range(end, end + 1)]
    assert joined.asked["which"] == [(rows.texts.index(known), first)]
    assert joined.asked["count"][0][0] == joined.asked["who"][0][0] == end
    drawn = joined.draw({"which": 1.0, "who": 1.0}, 20, random.Random(1))
    assert set(map(str, drawn)) == {
        str(Drawn("which", rows.texts.index(known), first)), str(Drawn("who", end, third))
    }  # fmt: skip


def test_a_run_asks_and_measures_every_kind(
    random_qwen: RandomModel, tmp_path: Path, sample_data_dir: Path
) -> None:
    recipe = recipe_with(random_qwen)
    trainer = Trainer(
        recipe, recipe.stages[0], tmp_path / "run", sample_data_dir, start_accelerator()
    )
    batch = trainer.batches.draw(0)
    tokenizer = trainer.parts.receivers[random_qwen.model].tokenizer
    asked = {tokenizer.decode(ids) for ids in batch.questions}
    texts = [trainer.step_loss.texts[row] for row in batch.rows]
    stories = [
        (text, tokenizer.decode(question), tokenizer.decode(answer, skip_special_tokens=True))
        for text, question, answer in zip(texts, batch.questions, batch.answers, strict=True)
        if "How many" in tokenizer.decode(question)
    ]
    assert len(asked) > 5
    stated = [(text, answer) for text, question, answer in stories if "at first" in question]
    assert len(stated) > 2  # numbers that the story itself says; others are results
    for text, answer in stated:
        assert answer.strip().replace(" ", "") in text
    figures = trainer.run()["validation"][random_qwen.model]
    assert set(figures) == {"sst2", "trec", "occurring_word", "story_quantity", "story_one_step"}
    held_out = trainer.validation.rows
    assert {kind: len(rows) for kind, rows in held_out.asked.items()} == {
        "occurring_word": 8, "story_quantity": 8, "story_one_step": 8
    }  # fmt: skip
    assert all(kind["accuracy"] % 12.5 == 0 and kind["loss"] > 0 for kind in figures.values())


def test_kinds_that_are_not_there_are_refused_before_anything_starts(
    random_qwen: RandomModel, tmp_path: Path
) -> None:
    with pytest.raises(ValidationError, match="did you mean 'story_quantity'"):
        recipe_with(random_qwen, questions={"story_quantities": 1.0})
    with pytest.raises(ValidationError, match="unknown corpus 'wikipedia'; known: wiki"):
        recipe_with(random_qwen, question_passages={"wikipedia": 10})
    for changes, named in (
        ({"questions": {"boolq": 1.0}}, "boolq"),
        ({"question_passages": {"wiki": 10}}, "wiki"),
    ):
        recipe = recipe_with(random_qwen, **changes)
        with pytest.raises(UsageError, match=f"{named}.*does not exist"):
            check_stages(recipe, recipe.stages, tmp_path / "run", tmp_path)
