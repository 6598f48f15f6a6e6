"""Trains in real processes, for tests: one alone, several together, one that is killed.

python training_processes.py SPECIFICATION.json

Everything is imported once and processes are forked from here, before anything is computed: that
costs seconds less than starting each anew.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib.figure  # noqa: F401 - once, not in every process
import peft  # noqa: F401
import torch
import torch.utils.tensorboard
from latentwire.training.compute import start_accelerator
from latentwire.training.loop import Trainer
from latentwire.training.recipe import Recipe

LINES_BEFORE_THE_KILL = 7


def train(job: dict[str, Any], environment: dict[str, str]) -> int:
    """Fork a process that trains the recipe's only stage; returns its number."""
    number = os.fork()
    if number:
        return number
    try:
        os.environ.update(environment)
        torch.set_num_threads(1)
        recipe = Recipe.model_validate(job["recipe"])
        run_dir = Path(job["run_dir"])
        run_dir.mkdir(parents=True, exist_ok=True)
        accelerator = start_accelerator()
        Trainer(recipe, recipe.stages[0], run_dir, Path(job["data_dir"]), accelerator).run()
    except BaseException as error:
        sys.stderr.write(f"{job['run_dir']}: {error!r}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def wait(numbers: list[int]) -> list[int]:
    """Exit codes of processes; negative for the signal that ended them."""
    return [os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) for number in numbers]


def together(job: dict[str, Any]) -> list[int]:
    """Train in as many processes as the job says, which find each other as torchrun's do."""
    count = job["processes"]
    if count == 1:
        return wait([train(job, {})])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    return wait(
        [
            train(
                job,
                {
                    "RANK": str(rank),
                    "LOCAL_RANK": str(rank),
                    "WORLD_SIZE": str(count),
                    "LOCAL_WORLD_SIZE": str(count),
                    "MASTER_ADDR": "127.0.0.1",
                    "MASTER_PORT": port,
                    "OMP_NUM_THREADS": "1",
                },
            )
            for rank in range(count)
        ]
    )


def kill_midway(job: dict[str, Any]) -> list[int]:
    """Train, and end the process without warning after a few steps."""
    number = train(job, {})
    metrics = Path(job["run_dir"], "stages", job["recipe"]["stages"][0]["name"], "metrics.jsonl")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if metrics.is_file() and metrics.read_text().count("\n") >= LINES_BEFORE_THE_KILL:
            break
        time.sleep(0.002)
    os.kill(number, signal.SIGKILL)
    return wait([number])


def main() -> None:
    """Do the jobs one after the other and print their exit codes."""
    jobs = json.loads(Path(sys.argv[1]).read_text())
    codes = {
        name: kill_midway(job) + together(job) if job.get("killed") else together(job)
        for name, job in jobs.items()
    }
    sys.stdout.write(json.dumps(codes))


if __name__ == "__main__":
    main()
