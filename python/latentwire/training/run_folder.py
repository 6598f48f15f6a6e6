"""What a run folder says of itself: the recipe, the seed, and the versions that it ran with."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from latentwire.durable import write_whole
from latentwire.training.projection.recipe import ProjectorRecipe
from latentwire.training.recipe import Recipe

RECIPE = "recipe.json"
VERSIONS = "versions.json"

_PACKAGES = ("latentwire", "torch", "transformers", "accelerate", "safetensors", "numpy")


def stage_folder(run_dir: Path, stage: str) -> Path:
    """Where the states and logs of a stage lie."""
    return run_dir / "stages" / stage


def describe_run(run_dir: Path, recipe: Recipe | ProjectorRecipe, num_processes: int) -> None:
    """Write ``recipe.json`` and ``versions.json``.

    Raises:
        DiskFullError: If there is no room.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    write_whole(run_dir / RECIPE, recipe.model_dump_json(indent=2) + "\n")
    write_whole(run_dir / VERSIONS, json.dumps(_versions(recipe, num_processes), indent=2) + "\n")


def _versions(recipe: Recipe | ProjectorRecipe, num_processes: int) -> dict[str, Any]:
    has_gpu = torch.cuda.is_available()
    return {
        "seed": recipe.seed,
        "packages": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": torch.cuda.get_device_name() if has_gpu else "cpu",
        "processes": num_processes,
        "threads": torch.get_num_threads(),
        "commit": _commit(),
    }


def _commit() -> str | None:
    """The commit of the source tree that this package runs from, ``+`` if files differ from it."""
    here = Path(__file__).parent
    try:
        commit = _git(here, "rev-parse", "HEAD").strip()
        changed = _git(here, "status", "--porcelain", "--untracked-files=no", ".")
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", "-C", str(folder), *arguments],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout
