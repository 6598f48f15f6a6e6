"""The wheel in a bare environment: it installs, and the command and the tiny models are there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNIPPET = """
import sys
import latentwire as lw
assert "torch" not in sys.modules
sender = lw.Sender.from_pretrained("tiny-llama")
packet = sender.encode("a gorgeous, witty, seductive movie")
answer = lw.Receiver.from_pretrained("tiny-qwen").ask(
    bytes(packet), question="Sentiment:", choices=["negative", "positive"])
print(lw.__file__)
print(answer)
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("uv") is None, reason="needs uv to build and install")
def test_the_wheel_works_in_a_clean_environment(tmp_path: Path) -> None:
    # Whatever points at this checkout or its environment would make the test pass for nothing.
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("VIRTUAL_ENV", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT")
    }

    def run(*command: str | Path) -> str:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("uv", "build", "--wheel", "--out-dir", tmp_path / "dist", ROOT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert "-cp311-abi3-" in wheel.name
    run("uv", "venv", "--python", sys.executable, tmp_path / "bare")
    python = tmp_path / "bare" / "bin" / "python"
    run("uv", "pip", "install", "--python", python, wheel)
    printed = run(python, "-c", SNIPPET).splitlines()
    assert printed[0].startswith(str(tmp_path / "bare"))
    assert printed[1] == "positive"
    command = tmp_path / "bare" / "bin" / "latentwire"
    assert "tiny-qwen" in run(command, "models")
    packet = tmp_path / "message.lwp"
    run(command, "encode", "--model", "bytes", "--text", "a dull film", "-o", packet)
    assert "tiny-v1" in run(command, "inspect", packet)
