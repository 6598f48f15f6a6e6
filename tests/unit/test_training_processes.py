"""Several processes learn what one learns, and a killed one what an undisturbed one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mini_recipes import SPACE, mini_recipe, mini_stage
from random_models import RandomModel

SCRIPT = Path(__file__).parents[1] / "training_processes.py"
STEPS = 12


@pytest.fixture(scope="module")
def runs(
    random_llama: RandomModel,
    random_qwen: RandomModel,
    sample_data_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A folder of runs of one recipe in all the ways that processes can do it."""
    folder = tmp_path_factory.mktemp("runs")

    def job(name: str, processes: int = 1, lora: Any = None, **engine: Any) -> dict[str, Any]:
        stage = mini_stage(
            random_llama.model,
            objectives={"label_likelihood": 1.0, "answer_generation": 0.5},
            steps=STEPS,
            batch_size=8,
            token_dropout=0.1,
            validation={"rows": 8},
        )
        return {
            "recipe": mini_recipe(
                [random_qwen.model, random_llama.model],
                [stage],
                engine={"save_every": 4, "log_every": 1, **engine},
                # No rounding to codes, which makes a step of a difference in the last bit.
                space={**SPACE, "encoding": "f32"},
                adapter={"lora": lora},
            ),
            "run_dir": str(folder / name),
            "data_dir": str(sample_data_dir),
            "processes": processes,
        }

    jobs = {
        "alone": job("alone"),
        "alone, adapted": job("adapted", lora={"rank": 2}),
        "two, adapted": job("adapted-two", 2, lora={"rank": 2}),
        "two, sharded, in pieces": job("sharded", 2, strategy="fsdp", accumulation=2),
        "killed": {**job("killed", lora={"rank": 2}), "killed": True},
    }
    (folder / "jobs.json").write_text(json.dumps(jobs))
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder / "jobs.json")],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    codes = json.loads(done.stdout)
    assert codes == {
        "alone": [0],
        "alone, adapted": [0],
        "two, adapted": [0, 0],
        "two, sharded, in pieces": [0, 0],
        "killed": [-9, 0],
    }, done.stderr
    return folder


def losses(run_dir: Path) -> list[float]:
    lines = (run_dir / "stages" / "found" / "metrics.jsonl").read_text().splitlines()
    return [line["loss"] for line in map(json.loads, lines) if "loss" in line]


def test_additions_to_receivers_are_learned(runs: Path) -> None:
    assert losses(runs / "adapted") != pytest.approx(losses(runs / "alone"), abs=1e-3)


def weights(run_dir: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run_dir)): path.read_bytes()
        for path in sorted(run_dir.rglob("*.safetensors"))
        if "stages" not in path.parts
    }


@pytest.mark.parametrize(("run", "one"), [("sharded", "alone"), ("adapted-two", "adapted")])
def test_processes_reach_the_loss_of_one(runs: Path, run: str, one: str) -> None:
    """Their batches are slices of the same ones, and so are all updates but for rounding."""
    wanted = losses(runs / one)
    assert len(wanted) == STEPS
    assert wanted[0] != pytest.approx(wanted[-1], abs=0.1)  # something was learned
    assert losses(runs / run) == pytest.approx(wanted, abs=1e-4)


def test_a_killed_run_goes_on_bit_for_bit(runs: Path) -> None:
    assert losses(runs / "killed") == losses(runs / "adapted")
    assert weights(runs / "killed") == weights(runs / "adapted")
    assert len(weights(runs / "killed")) == 5  # an encoder, two adapters, the LoRA weights of both
    assert not list((runs / "killed").rglob("*.partial"))
