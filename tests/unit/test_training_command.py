"""The command ``latentwire train``: changes by position, the user's own data, what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml
from latentwire.cli import app
from latentwire.errors import DataError, ModelNotFoundError, RecipeError, UsageError
from latentwire.training.command import train
from mini_recipes import mini_recipe, mini_stage
from random_models import RandomModel
from typer.testing import CliRunner

WORDS = ("rain", "sun", "snow", "wind", "fog")


@pytest.fixture
def recipe(random_llama: RandomModel, random_qwen: RandomModel, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    stage = mini_stage(random_llama.model, steps=2, batch_size=4)
    join = {
        **stage,
        "name": "join",
        "sender": "bytes",
        "layer": None,
        "train": ["encoder"],
        "teacher": random_llama.model,
        "objectives": {"latent_distillation": 1.0},
    }
    data = mini_recipe([random_qwen.model], [stage, join], tasks={"sst2": 1.0})
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.fixture
def own_data(tmp_path: Path) -> Path:
    path = tmp_path / "weather.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["report", "kind"])
        rows.writerows([f"report {n}: {WORDS[n % 5]} all day", WORDS[n % 5]] for n in range(60))
    return path


def test_own_data_and_changes_by_position(recipe: Path, own_data: Path, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    arguments = ["train", str(recipe), "stages.found.steps=3", "engine.log_every=1"]
    arguments += ["--data", str(own_data), "--text-column", "report", "--label-column", "kind"]
    done = CliRunner().invoke(
        app, [*arguments, "--question", "Weather:", "--run-dir", str(run_dir)], env={}
    )
    assert done.exit_code == 0, done.output
    found, joined = json.loads(done.stdout)
    assert (found["step"], joined["step"]) == (3, 2)
    assert {task for tasks in found["validation"].values() for task in tasks} == {"weather"}
    kept = json.loads((run_dir / "recipe.json").read_text())
    assert kept["tasks"] == {"weather": 1.0}
    versions = json.loads((run_dir / "versions.json").read_text())
    assert (versions["seed"], versions["processes"]) == (1, 1)
    assert set(versions["packages"]) >= {"latentwire", "torch", "transformers"}
    listed = CliRunner().invoke(app, ["models", str(run_dir), "--json"])
    own = [row for row in json.loads(listed.stdout) if str(run_dir) in str(row["parts"])]
    assert sorted(row["parts"][0]["role"] for row in own) == ["adapter", "encoder", "encoder"]
    assert all(row["parts"][0]["figures"]["validation"] for row in own)


def test_wrong_columns_are_named_before_anything_is_loaded(recipe: Path, own_data: Path) -> None:
    done = CliRunner().invoke(app, ["train", str(recipe), "--data", str(own_data)])
    assert isinstance(done.exception, DataError)
    assert "report" in str(done.exception)


def test_a_dry_run_prints_the_plan_and_writes_nothing(recipe: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    done = CliRunner().invoke(app, ["train", str(recipe), "engine.processes=2", "--dry-run"])
    assert done.exit_code == 0, done.output
    found, joined = json.loads(done.stdout)
    assert found["plan"]["examples"] == 8
    assert found["plan"]["rows a pass"] == 2
    assert found["plan"]["objectives"] == {"label_likelihood": {"weight": 1.0}}
    assert joined["plan"]["learns from"].endswith("random-llama")
    assert found["memory_gib"]["peak"] >= found["memory_gib"]["frozen receivers"]
    assert sorted(tmp_path.iterdir()) == before


def test_what_can_be_known_is_refused_before_the_first_stage(
    recipe: Path, tmp_path: Path, sample_data_dir: Path
) -> None:
    run_dir = tmp_path / "run"
    for change, stage, error, words in (
        ("stages.join.teacher=minilm2", None, ModelNotFoundError, "no trained encoder"),
        ("stages.join.sender=nobody", None, ModelNotFoundError, "nobody"),
        ("seed=1", "join", RecipeError, "joins a latent space"),
        ("seed=1", "joni", RecipeError, "its stages: found, join"),
        ("stages.join.unlabeled={wiki: 1}", None, UsageError, "wiki"),
        ("receivers=[nobody]", None, ModelNotFoundError, "nobody"),
        ("stages.found.layer=99", None, RecipeError, "has layers 0 to"),
        ("stages.join.encoder={num_heads: 7}", None, RecipeError, "7 heads do not divide"),
        ("stages.join.soft_labels=nowhere", None, DataError, "no file nowhere"),
    ):
        with pytest.raises(error) as caught:
            train(recipe, [change], run_dir=run_dir, data_dir=sample_data_dir, stage=stage)
        assert words in f"{caught.value} {caught.value.hint}"
        assert not run_dir.exists()
