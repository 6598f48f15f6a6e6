"""The benchmark at published size, in small: every row is found; no test asserts a time."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[2]
PAIR = "llama3.1-8b_to_qwen2.5-7b"


@pytest.fixture
def benchmark_module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("bench_geometry")


@pytest.fixture
def run(benchmark_module: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The document of a run with arguments, as it is left in a file."""

    def run(*arguments: str) -> dict[str, Any]:
        output = tmp_path / "geometry.json"
        small = ["--pairs", PAIR, "--batches", "2,3", "--steps", "1", "--rows", "4"]
        monkeypatch.setattr(
            "sys.argv", ["bench_geometry.py", *small, "--output", str(output), *arguments]
        )
        benchmark_module.main()
        found: dict[str, Any] = json.loads(output.read_text())
        return found

    return run


def test_every_row_is_measured(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    document = run("--tiny")
    assert json.loads(capsys.readouterr().out)["rows"] == document["rows"]
    rows = document["rows"]
    assert [row["status"] for row in rows] == ["measured"] * 9
    small, sender, cached, *trained = rows
    assert (small["batch_size"], sender["batch_size"]) == (2, 3)
    assert sender["tokens_per_second"] > sender["examples_per_second"] > 0
    assert cached["texts"] == 16
    kinds = {(r["mode"], r["batch_size"], r["gradient_checkpointing"]) for r in trained}
    soft = {("soft_tokens", size, saves) for size in (2, 3) for saves in (True, False)}
    assert kinds == soft | {("deep", 3, True), ("deep", 3, False)}
    for row in (sender, *trained):
        assert row["seconds_a_step"] > 0
        assert row["tflop_per_second"] > 0
        assert (row["share_of_peak"] is None) is not torch.cuda.is_available()
    assert trained[0]["share_of_plain"] > 0
    # Recomputing layers is no work of the model's.
    assert trained[0]["tflop_a_step"] == trained[1]["tflop_a_step"] > sender["tflop_a_step"] / 2


def test_rows_that_are_not_measured_say_why(
    run: Any, benchmark_module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert {row["status"] for row in run()["rows"]} == {"not measured: no accelerator"}
    late = run("--tiny", "--seconds-limit", "0")["rows"]
    assert {row["status"] for row in late} == {"not measured: the time was over"}


def test_a_failure_is_a_row_and_the_next_one_is_measured(benchmark_module: ModuleType) -> None:
    report = benchmark_module.Report({}, None, 60.0)

    def fail() -> dict[str, Any]:
        raise torch.OutOfMemoryError("no room\nfor it")

    report.add({"what": "large"}, fail)
    report.add({"what": "small"}, lambda: {"figure": 1})
    assert report.rows == [
        {"what": "large", "status": "error: OutOfMemoryError: no room for it"},
        {"what": "small", "status": "measured", "figure": 1},
    ]


def test_the_table_has_a_row_for_every_measurement(
    run: Any, benchmark_module: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    document = run()
    table = (tmp_path / "geometry.md").read_text()
    assert table == benchmark_module.as_table(document)
    assert table.count(f"\n| {PAIR} |") == table.count("not measured: no accelerator") == 9
    step = {
        "pair": "a_to_b",
        "what": "train step",
        "batch_size": 4,
        "mode": "deep",
        "gradient_checkpointing": False,
        "status": "measured",
        "tokens_a_row": 39.0,
        "examples_per_second": 21.31,
        "seconds_a_step": 0.1877,
        "tflop_per_second": 21.82,
        "share_of_peak": 0.02763,
        "gib_at_most": 14.52,
        "share_of_plain": 0.9746,
    }
    cached = {"pair": "a_to_b", "what": "caching of states", "status": "measured"}
    rows = [step, {**cached, "texts_per_second": 310.3}]
    *_, measured, last = benchmark_module.as_table({**document, "rows": rows}).splitlines()
    assert measured == (
        "| a_to_b | train step, deep | 4 | no | 39.0 | 21.31 | 188 | 21.8 | 2.8% | 14.5 | 0.97 |"
    )
    assert last == "| a_to_b | caching of states |  |  |  | 310.3 |  |  |  |  |  |"


def test_the_stored_table_is_that_of_the_stored_document(benchmark_module: ModuleType) -> None:
    stored = ROOT / "benchmarks" / "results" / "geometry.json"
    table = benchmark_module.as_table(json.loads(stored.read_text()))
    assert stored.with_suffix(".md").read_text() == table


def test_operations_are_those_of_the_forward_and_the_backward_pass(
    benchmark_module: ModuleType,
) -> None:
    layers = torch.nn.Sequential(*(torch.nn.Linear(8, 8) for _ in range(3)))
    layers[1].requires_grad_(False)
    rows = torch.randn(5, 8)
    counted = benchmark_module.count_operations([layers], lambda _: layers(rows), 0)
    with FlopCounterMode(display=False) as counter:
        layers(rows).sum().backward()
    assert counted == counter.get_total_flops()
