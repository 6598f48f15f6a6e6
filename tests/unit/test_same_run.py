"""A run folder goes on with the recipe and the rows that it began with, and with no other."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from latentwire.errors import RecipeError
from latentwire.training.command import train
from latentwire.training.run_folder import RECIPE
from latentwire.training.same_run import check_same_run
from latentwire.training.state import LAST, PREVIOUS, read_progress, save_state
from mini_recipes import mini_recipe, mini_stage
from random_models import RandomModel
from torch import nn


@pytest.fixture
def begin(
    random_llama: RandomModel, random_qwen: RandomModel, sample_data_dir: Path, tmp_path: Path
) -> Any:
    """Trains two steps into a run folder, and again with what a test changes."""

    def run(*overrides: str, data_dir: Path = sample_data_dir) -> list[dict[str, Any]]:
        recipe = mini_recipe([random_qwen.model], [mini_stage(random_llama.model, steps=2)])
        path = tmp_path / "recipe.yaml"
        path.write_text(json.dumps(recipe))
        return train(path, list(overrides), run_dir=tmp_path / "run", data_dir=data_dir)

    run()
    return run


@pytest.mark.parametrize(
    ("override", "difference"),
    [
        ("seed=7", "seed was left to its default and is 7"),
        ("stages.found.learning_rate=1.0e-4", "stages.found.learning_rate was left to its"),
        ("stages.found.batch_size=4", "stages.found.batch_size was 6 and is 4"),
        ("tasks.sst2=0.25", r"tasks.sst2 was 0.5 and is 0.25"),
    ],
)
def test_another_recipe_is_refused_and_changes_nothing(
    begin: Any, override: str, difference: str, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(RecipeError, match=difference) as refused:
        begin(override)
    assert "--run-dir" in (refused.value.hint or "")
    assert before[tmp_path / "run" / RECIPE]
    for path, written in before.items():
        assert path.read_bytes() == written, path


def test_what_does_not_change_the_result_may_change(begin: Any) -> None:
    assert begin("stages.found.steps=3", "engine.log_every=1")[0]["step"] == 3
    assert begin("stages.found.steps=3", "stages.found.validation.rows=3")[0]["step"] == 3


def test_other_rows_are_refused(begin: Any, sample_data_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / "data"
    shutil.copytree(sample_data_dir, other)
    rows = gzip.decompress((other / "trec" / "train.jsonl.gz").read_bytes()).splitlines(True)
    (other / "trec" / "train.jsonl.gz").write_bytes(gzip.compress(b"".join(rows[:-1])))
    with pytest.raises(RecipeError, match="other training rows"):
        begin(data_dir=other)


def test_progress_is_read_of_the_state_before_a_damaged_one(tmp_path: Path) -> None:
    module = {"encoder": nn.Linear(2, 2)}
    for step in (1, 2):
        save_state(tmp_path, module, [], {"step": step})
    assert read_progress(tmp_path) == {"step": 2}
    (tmp_path / LAST).write_bytes(b"torn")
    assert read_progress(tmp_path) == {"step": 1}
    (tmp_path / PREVIOUS).unlink()
    assert read_progress(tmp_path) is None
    check_same_run(tmp_path, {"seed": 7})  # what cannot be read is for loading to refuse
