"""Comparisons at equal time: plans, clocks, what is kept, and what tables say."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from latentwire.checkpoint import Part
from latentwire.comparison.plan import Plan, Row, load_plan, rows_of
from latentwire.comparison.report import write_tables
from latentwire.comparison.results import Result, Results, settings_digest, spread
from latentwire.comparison.run import compare
from latentwire.errors import RecipeError, UsageError
from latentwire.training import clock as clocks
from latentwire.training.clock import StageClock
from latentwire.training.compute import start_accelerator
from latentwire.training.projection.recipe import ProjectorRecipe
from latentwire.training.recipe import Recipe, Stage
from mini_recipes import mini_recipe, mini_stage
from random_models import RandomModel

PLANS = Path(__file__).parents[2] / "benchmarks" / "comparisons"


def stage(**fields: Any) -> Stage:
    return Stage.model_validate(
        {
            "name": "found",
            "sender": "bytes",
            "train": ["encoder"],
            "objectives": {"label_likelihood": 1.0},
            "steps": 100,
            **fields,
        }
    )


@pytest.fixture
def plan_path(random_llama: RandomModel, random_qwen: RandomModel, tmp_path: Path) -> Path:
    """Two rows of one tiny recipe, and one of a recipe that shares its time among two stages."""
    found = mini_stage(
        random_llama.model, steps=10_000, minutes=1, batch_size=4, validation={"rows": 2}
    )
    recipe = mini_recipe([random_qwen.model], [found])
    joining = {**found, "name": "join", "train": ["encoder"], "minutes": 3}
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(recipe))
    (tmp_path / "two.yaml").write_text(yaml.safe_dump({**recipe, "stages": [found, joining]}))
    plan = {
        "title": "Small",
        "recipes": ".",
        "minutes": 0.005,
        "seeds": [1, 2],
        "limits": {"sst2": 6, "trec": 8},
        "groups": [
            {
                "name": "a to b",
                "rows": {"one": [], "adamw": ["stages.0.optimizer=adamw"]},
                "recipe": "one",
            },
            {"name": "shared", "rows": {"two": []}},
        ],
    }
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(plan))
    return path


def test_the_clock_tells_the_steps_that_time_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(clocks.time, "thread_time", lambda: now)
    clock = StageClock(stage(minutes=1.0), start_accelerator())
    clock.start(seconds=6.0)  # of a run before
    assert (clock.total(0), clock.is_over(0)) == (100, False)
    now += 9.0  # 15 of 60 seconds
    assert clock.total(5) == 50  # by the last look
    clock.look()
    assert [clock.total(step) for step in (1, 5, 30)] == [4, 20, 100]
    now += 44.9
    clock.look()
    assert clock.total(30) == 31
    assert not clock.is_over(30)
    now += 1.0
    clock.look()
    assert clock.is_over(30)
    assert clock.seconds == pytest.approx(60.9)


def test_without_minutes_time_counts_for_nothing() -> None:
    clock = StageClock(stage(), start_accelerator())
    clock.start(seconds=1e9)
    clock.look()
    assert [clock.total(step) for step in (0, 7, 99)] == [100] * 3
    assert not clock.is_over(99)
    assert clock.is_over(100)


def test_rows_share_out_the_same_time(plan_path: Path) -> None:
    plan = load_plan(plan_path)
    rows = {row.name: row for row in rows_of(plan, plan_path)}
    assert {row.group for row in rows.values()} == {"a to b", "shared"}
    one, two = rows["adamw"].load(seed=7), rows["two"].load(seed=7)
    assert isinstance(one, Recipe)
    assert isinstance(two, Recipe)
    assert (one.seed, one.stages[0].optimizer) == (7, "adamw")
    assert one.stages[0].minutes == pytest.approx(0.005)
    assert [s.minutes for s in two.stages] == pytest.approx([0.00125, 0.00375])
    untimed = plan_path.with_name("one.yaml")
    untimed.write_text(untimed.read_text().replace("minutes: 1", "minutes: null"))
    with pytest.raises(RecipeError, match="has no minutes"):
        rows["one"].load(seed=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "seed"),
        ({"limits": {"sst3": 5}}, "did you mean 'sst2'"),
        ({"limits": {"sst2": 1}}, "at least 2 rows"),
        ({"minutes": 0}, "minutes"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(
    plan_path: Path, change: dict[str, Any], message: str
) -> None:
    plan_path.write_text(yaml.safe_dump(yaml.safe_load(plan_path.read_text()) | change))
    with pytest.raises(UsageError, match=message):
        load_plan(plan_path)


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.yaml")), ids=lambda path: path.stem)
def test_plans_of_the_repository_fit_their_recipes(path: Path) -> None:
    plan = load_plan(path)
    for row in rows_of(plan, path):
        recipe = row.load(seed=1)
        timed = [recipe] if isinstance(recipe, ProjectorRecipe) else recipe.stages
        assert sum(part.minutes or 0 for part in timed) == pytest.approx(plan.minutes)


def row_named(name: str, plan: Plan, path: Path) -> Row:
    return next(row for row in rows_of(plan, path) if row.name == name)


def test_what_is_missing_is_run_and_kept(
    plan_path: Path, sample_data_dir: Path, tmp_path: Path, random_qwen: RandomModel
) -> None:
    output, options = tmp_path / "out", {"data_dir": sample_data_dir, "run_dir": tmp_path / "runs"}
    first = compare(plan_path, output, only=["one"], seeds=[1], **options)
    kept = json.loads((output / "small.json").read_text())["results"]
    assert [(r["row"], r["seed"]) for r in kept] == [("one", 1)]
    figures = kept[0]["figures"][random_qwen.model]
    assert set(figures) == {"latent", "zero message", "other message"}
    assert set(figures["latent"]) == {"sst2", "trec"}
    assert kept[0]["steps"] >= 1
    assert kept[0]["parameters"]["encoder"] > 0
    assert "| adamw | not measured |" in first
    assert "| two | not measured |" in first
    started = time.monotonic()
    again = compare(plan_path, output, only=["one"], seeds=[1], **options)
    assert again == first
    assert time.monotonic() - started < 1
    assert json.loads((output / "small.json").read_text())["results"] == kept
    plan = load_plan(plan_path)
    row = row_named("one", plan, plan_path)
    assert kept[0]["settings"] == settings_digest(row, 1, plan)
    longer = plan.model_copy(update={"minutes": 0.006})
    fewer = plan.model_copy(update={"limits": {"sst2": 5}})
    slower = row_named("one", longer, plan_path)
    others = [(slower, 1, longer), (row, 2, plan), (row, 1, fewer)]
    for other in others:  # such a result would be measured again
        assert settings_digest(*other) != kept[0]["settings"]
    with pytest.raises(UsageError, match="no row"):
        compare(plan_path, output, only=["three"], **options)


def result(name: str, seed: int, percent: float, **fields: Any) -> Result:
    cells = {"sst2": percent}
    made: dict[str, Any] = {
        "group": "a to b", "row": name, "seed": seed, "settings": "", "command": "run it",
        "sender": "a", "steps": 10, "seconds": 1.0, "loss": 0.5, "batch_size": 4,
        "parameters": {"encoder": 1_500_000, "adapters": 1}, "packet_bytes": 100.0,
        "figures": {"b": dict.fromkeys(("latent", "zero message", "other message"), cells)},
        **fields,
    }  # fmt: skip
    return made  # type: ignore[return-value]


def test_tables_have_mean_and_deviation_and_say_what_failed(
    plan_path: Path, tmp_path: Path
) -> None:
    plan = load_plan(plan_path)
    results = Results(tmp_path / "results.json")
    for seed, percent in ((1, 10.0), (1, 80.0), (2, 82.0)):  # the last one of a seed counts
        results.add(result("one", seed, percent), {})
    results.add(result("adamw", 1, 0.0, failed="not finite"), {})
    text = write_tables(plan, list(rows_of(plan, plan_path)), results, {"b alone": {}}, {})
    assert "| one | b | 81.0 ± 1.4 |" in text
    assert "| 10 | 1.50 M | 100 | 2 |" in text
    assert "| adamw | failed: not finite |" in text
    assert "| b alone | not measured |" in text
    assert Results(tmp_path / "results.json").all == results.all


def test_tables_name_every_commit_that_measured_a_row(plan_path: Path, tmp_path: Path) -> None:
    plan = load_plan(plan_path)
    results = Results(tmp_path / "results.json")
    for seed, commit in ((1, "aaaa"), (2, "bbbb"), (1, "cccc")):
        results.add(result("one", seed, 50.0), {"commit": commit, "machine": "small"})
    text = write_tables(plan, list(rows_of(plan, plan_path)), results, {}, results.about)
    assert "- commit: cccc, bbbb\n- machine: small\n" in text


def test_a_row_is_divided_by_another_seed_by_seed(plan_path: Path, tmp_path: Path) -> None:
    data = yaml.safe_load(plan_path.read_text())
    data["groups"][0]["base"] = "adamw"
    plan_path.write_text(yaml.safe_dump(data))
    plan, results = load_plan(plan_path), Results(tmp_path / "results.json")
    pairs = ((1, 60.0, 80.0), (2, 45.0, 50.0), (3, 70.0, None), (4, 10.0, 0.0))
    for seed, own, other in pairs:
        results.add(result("one", seed, own), {})
        if other is not None:
            results.add(result("adamw", seed, other), {})
    plan = plan.model_copy(update={"seeds": [1, 2, 3, 4]})
    text = write_tables(plan, list(rows_of(plan, plan_path)), results, {}, {})
    assert "| runs | of adamw |" in text
    assert "| 4 | 82.5 ± 10.6% |" in text  # 75 and 90; nothing is a part of nothing
    assert "| 3 | 100.0 ± 0.0% |" in text
    data["groups"][0]["base"] = "adam"
    plan_path.write_text(yaml.safe_dump(data))
    with pytest.raises(UsageError, match="no row 'adam'; did you mean 'adamw'"):
        load_plan(plan_path)


def test_receivers_hear_senders_that_they_were_not_trained_with(
    plan_path: Path,
    sample_data_dir: Path,
    tmp_path: Path,
    random_llama: RandomModel,
    random_qwen: RandomModel,
    random_byte_encoder: str,
) -> None:
    """The encoders of a space that is joined are found there; each pair is a figure."""
    space, receiver = tmp_path / "space", random_qwen.model
    encoders = {random_llama.model: random_llama.encoder, "bytes": random_byte_encoder}
    for name, folder in encoders.items():
        shutil.copytree(folder, space / "encoders" / Path(name).name)
    manifest = Part.load(random_byte_encoder, "encoder").space
    manifest.save(space)
    stage = {
        "name": "receiver", "sender": "bytes", "train": ["adapters"], "steps": 1000, "minutes": 1,
        "objectives": {"label_likelihood": 1.0}, "batch_size": 4, "validation": {"rows": 2},
    }  # fmt: skip
    recipe = mini_recipe([receiver], [stage])
    recipe["space"] = {
        "name": manifest.name, "num_latents": manifest.num_latents,
        "latent_width": manifest.latent_width, "joins": str(space),
    }  # fmt: skip
    (tmp_path / "joined.yaml").write_text(yaml.safe_dump(recipe))
    data = yaml.safe_load(plan_path.read_text())
    senders = ["bytes", random_llama.model]
    rows = {"bytes": [], random_llama.model: [f"stages.0.sender={random_llama.model}"]}
    data["groups"] = [{"name": "joined", "recipe": "joined", "senders": senders, "rows": rows}]
    plan_path.write_text(yaml.safe_dump(data))
    text = compare(
        plan_path, tmp_path / "out", seeds=[1], data_dir=sample_data_dir, run_dir=tmp_path / "runs"
    )
    kept = json.loads((tmp_path / "out" / "small.json").read_text())["results"]
    pairs = {f"{receiver} hears {sender}" for sender in senders}
    assert [set(result["figures"]) for result in kept] == [pairs, pairs]
    assert "of trained with it" in text
    for sender in senders:  # each is divided by the row that was trained with it
        own = f"| {sender} | {receiver} hears {sender} |"
        lines = [line for line in text.splitlines() if line.startswith(own)]
        assert lines[0].endswith("| 1 | 100.0% |")
    data["groups"][0]["base"] = "bytes"
    plan_path.write_text(yaml.safe_dump(data))
    with pytest.raises(UsageError, match="a base of its own"):
        load_plan(plan_path)


def test_spread() -> None:
    assert [spread([]), spread([81.25]), spread([80, 82, 84])] == ["", "81.2", "82.0 ± 2.0"]
