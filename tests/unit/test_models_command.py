"""``latentwire models``: whole parts are listed beside damaged ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from latentwire.checkpoint import PART_JSON, PART_WEIGHTS
from latentwire.cli import app
from latentwire.durable import PARTIAL_FOLDER
from latentwire.errors import CheckpointError
from random_models import RandomModel
from typer.testing import CliRunner


@pytest.fixture
def run_dir(random_qwen: RandomModel, tmp_path: Path) -> Path:
    """A run with one whole encoder, and with an encoder and an adapter to damage."""
    for name in ("whole", "damaged"):
        shutil.copytree(random_qwen.encoder, tmp_path / "encoders" / name)
    shutil.copytree(random_qwen.adapter, tmp_path / "adapters" / "torn")
    return tmp_path


def listed(run_dir: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["models", str(run_dir), *options])


def rows_of(done: Result, run_dir: Path) -> dict[str, dict[str, Any]]:
    """The rows of a run's parts, by the name of the part's folder."""
    rows = json.loads(done.stdout)
    own = [row for row in rows if str(run_dir) in str(row["parts"])]
    return {Path(row["parts"][0]["folder"]).name: row for row in own}


def test_damaged_parts_are_listed_as_such(run_dir: Path) -> None:
    (run_dir / "encoders" / "damaged" / PART_JSON).write_text("{")
    other = run_dir / "encoders" / "whole" / PART_WEIGHTS
    shutil.copy(other, run_dir / "adapters" / "torn" / PART_WEIGHTS)
    done = listed(run_dir, "--json")
    assert isinstance(done.exception, CheckpointError)
    assert done.exception.exit_code == 1
    assert "damaged parts: 2 of" in str(done.exception)
    assert "\n" not in str(done.exception)
    assert done.exception.hint
    rows = rows_of(done, run_dir)
    assert rows["whole"]["sends"]
    assert rows["whole"]["parts"][0]["damage"] is None
    assert not rows["torn"]["receives"]
    assert "is not what part.json was written with" in rows["torn"]["parts"][0]["damage"]
    assert (rows["damaged"]["name"], rows["damaged"]["space"]) == ("damaged", None)
    assert "does not describe a part" in rows["damaged"]["parts"][0]["damage"]
    text = listed(run_dir).stdout
    assert text.count("    damaged: ") == 2
    assert f"MB, {run_dir / 'encoders' / 'whole'}\n" in text


def test_a_part_without_weights_is_damaged(run_dir: Path) -> None:
    (run_dir / "adapters" / "torn" / PART_WEIGHTS).unlink()
    done = listed(run_dir, "--json")
    assert f"there is no file {PART_WEIGHTS}" in str(done.exception)
    assert rows_of(done, run_dir)["torn"]["parts"][0]["megabytes"] == 0


def test_whole_parts_are_no_error(run_dir: Path) -> None:
    shutil.copytree(
        run_dir / "adapters" / "torn", run_dir / "adapters" / "torn" / PARTIAL_FOLDER
    )  # of a process that was killed
    done = listed(run_dir, "--json")
    assert done.exit_code == 0, done.output
    assert sorted(rows_of(done, run_dir)) == ["damaged", "torn", "whole"]
