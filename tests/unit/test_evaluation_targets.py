"""Targets: which figures they are held against, and when they are met."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from latentwire.errors import UsageError
from latentwire.evaluation.records import Record, packed
from latentwire.evaluation.report import write_report
from latentwire.evaluation.statistics import Accuracy
from latentwire.evaluation.targets import Held, hold, load_targets

FIRST_SLICE = Path(__file__).parents[2] / "benchmarks" / "targets" / "first-slice.json"
ROWS = 200


def record(figure: str, task: str, percent: float, **more: Any) -> Record:
    right = np.arange(ROWS) < round(ROWS * percent / 100)
    made: dict[str, Any] = {
        "figure": figure,
        "task": task,
        "accuracy": vars(Accuracy.of(right)),
        "right": packed(right),
        "majority_percent": 50.0,
        "chance_percent": 25.0,
        "limit": None,
        "split": f"rows of {task}",
        "parts": {},
        **more,
    }
    return made  # type: ignore[return-value]


def held(tmp_path: Path, records: list[Record], *targets: dict[str, Any]) -> list[Held]:
    path = tmp_path / "targets.json"
    path.write_text(json.dumps(targets))
    return hold(records, load_targets(path))


def latent(task: str, percent: float, receiver: str = "b") -> Record:
    return record("latent", task, percent, sender="a", receiver=receiver, k=32)


def test_at_least(tmp_path: Path) -> None:
    target = {
        "what": "message",
        "where": {"figure": "latent", "sender": "a"},
        "at_least": {"sst2": 80, "trec": 90},
    }
    records = [latent("sst2", 80), latent("sst2", 79.5, "c"), latent("ag_news", 1)]
    rows = held(tmp_path, records, target)
    assert [(row.what, row.task, row.found, row.verdict) for row in rows] == [
        ("message: a to b", "sst2", "80.00", "met"),
        ("message: a to c", "sst2", "79.50", "missed"),
        ("message", "trec", "", "not measured"),
    ]


@pytest.mark.parametrize(("percent", "verdict"), [(81, "met"), (79, "met"), (78.5, "missed")])
def test_no_less_than_a_probe(tmp_path: Path, percent: float, verdict: str) -> None:
    target = {
        "what": "message",
        "where": {"figure": "latent"},
        "tasks": ["sst2"],
        "no_less_than": {"where": {"figure": "probe"}, "minus": 1},
    }
    records = [
        latent("sst2", percent),
        record("probe", "sst2", 80, sender="a", layer=1),
        record("probe", "sst2", 99, sender="another", layer=1),
        record("probe", "trec", 99, sender="a", layer=1),
    ]
    (row,) = held(tmp_path, records, target)
    assert (row.verdict, row.target) == (verdict, "at least 80.00 - 1")
    assert row.found.startswith(f"{percent:.2f} ({percent - 80:+.2f}, ")
    (row,) = held(tmp_path, records[:1], target)
    assert row.verdict == "not measured"


def test_first_latent_is_held_against_its_own_receiver(tmp_path: Path) -> None:
    target = {
        "what": "first",
        "where": {"figure": "prefix", "k": 1},
        "tasks": ["sst2"],
        "no_less_than": {"where": {"figure": "latent"}, "minus": 1},
    }
    prefix = record("prefix", "sst2", 80, sender="a", receiver="b", k=1)
    records = [prefix, latent("sst2", 80.5), latent("sst2", 90, "c")]
    (row,) = held(tmp_path, records, target)
    assert (row.target, row.verdict) == ("at least 80.50 - 1", "met")


def test_joint_is_held_against_the_better_on_some_tasks(tmp_path: Path) -> None:
    target = {
        "what": "joint",
        "where": {"figure": "joint"},
        "no_less_than": {"where": {"figure": "latent"}, "minus": 0},
        "needed": 3,
    }
    tasks = ["sst2", "ag_news", "trec", "banking77"]
    records = [r for task in tasks for r in (latent(task, 80), latent(task, 82, "c"))]

    def judged(*percents: float) -> list[str]:
        joints = [
            record("joint", task, percent, sender="a", receiver="b x c")
            for task, percent in zip(tasks, percents, strict=False)
        ]
        return [row.verdict for row in held(tmp_path, [*records, *joints], target)]

    assert judged(82, 83, 81, 82) == ["met", "met", "missed", "met", "met"]
    assert judged(82, 81, 81, 82) == ["met", "missed", "missed", "met", "missed"]
    assert judged(82, 82, 82)[-2:] == ["not measured", "met"]
    assert judged(82, 82)[-1] == "not measured"
    assert judged(81, 81)[-1] == "missed"


def test_controls_may_stay_below_the_majority(tmp_path: Path) -> None:
    target = {
        "what": "control",
        "where": {"figure": "other message"},
        "tasks": ["sst2", "trec"],
        "no_more_than_majority": 3,
    }
    records = [record("other message", "sst2", 53), record("other message", "trec", 54)]
    assert [row.verdict for row in held(tmp_path, records, target)] == ["met", "missed"]
    records = [record("other message", "sst2", 20), record("other message", "trec", 40)]
    assert [row.verdict for row in held(tmp_path, records, target)] == ["met", "met"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "targets .*: file: Invalid JSON"),
        ('[{"what": "x", "where": {}}]', "give one of at_least"),
        ('[{"what": "x", "where": {}, "at_least": {"mnli": 1}}]', "unknown task 'mnli'"),
        ('[{"what": "x", "where": {}, "atleast": {}}]', "0.atleast: Extra inputs"),
    ],
)
def test_bad_targets_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "targets.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        load_targets(path)
    with pytest.raises(UsageError, match="No such file"):
        load_targets(tmp_path / "none.json")


def test_the_first_slices_targets_name_every_task_and_rule() -> None:
    targets = load_targets(FIRST_SLICE)
    rows = hold([], targets)
    assert {row.verdict for row in rows} == {"not measured"}
    assert {row.task for row in rows} == {"sst2", "ag_news", "trec", "banking77"}
    assert {target.where["figure"] for target in targets} == {
        "text", "latent", "joint", "no message", "other message", "prefix",
    }  # fmt: skip


def test_the_report_counts_verdicts(tmp_path: Path) -> None:
    targets = tmp_path / "targets.json"
    targets.write_text(
        '[{"what": "reads", "where": {"figure": "text"}, "at_least": {"sst2": 72, "trec": 85}}]'
    )
    records = [record("text", "sst2", 71.5, receiver="b")]
    text = write_report(records, tmp_path / "out", "latentwire eval", targets)
    assert "# Accuracy on whole test splits" in text
    assert "0 met, 1 missed, 1 not measured." in text
    assert "| reads: b | sst2 | at least 72 | 71.50 | missed |" in text
