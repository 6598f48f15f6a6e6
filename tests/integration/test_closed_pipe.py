"""Whoever reads a command's output may stop: that is no failure, and nothing is said about it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKET = next((Path(__file__).parents[1] / "conformance" / "v1.0" / "valid").glob("*.lwp"))


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["inspect", "--help"], ["--version"], ["inspect", str(PACKET)]],
    ids=["help", "help of a command", "version", "inspect"],
)
def test_a_closed_pipe_is_no_failure(arguments: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "latentwire", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    process.stdout.close()  # long before it has started
    _, words = process.communicate(timeout=60)
    assert words == b""
    assert process.returncode == 0
