"""States of a run on disk: what it resumes from, and the best weights so far.

``last`` holds weights, optimizers and progress; ``previous`` is the one before it, for a disk that
damaged ``last``; ``best`` holds the weights of the best validation. Each is one safetensors file
with a digest of what is in it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from latentwire.durable import whole_file
from latentwire.errors import CheckpointError
from latentwire.frozen.model import digest_tensors

LAST, PREVIOUS, BEST = "last.safetensors", "previous.safetensors", "best.safetensors"

logger = logging.getLogger(__name__)


def save_state(
    folder: Path,
    modules: Mapping[str, nn.Module],
    optimizers: Sequence[torch.optim.Optimizer],
    progress: Mapping[str, Any],
) -> None:
    """Write the state to resume from; the one before it is kept beside it.

    Raises:
        DiskFullError: If there is no room; the old state stays.
    """
    tensors = _of_modules(modules)
    for index, optimizer in enumerate(optimizers):
        for key, state in optimizer.state_dict()["state"].items():
            for field, value in state.items():
                tensors[f"optimizer.{index}.{key}.{field}"] = torch.as_tensor(value).cpu().clone()
    _write(folder / LAST, tensors, progress, keep=folder / PREVIOUS)


def load_state(
    folder: Path,
    modules: Mapping[str, nn.Module],
    optimizers: Sequence[torch.optim.Optimizer],
) -> dict[str, Any] | None:
    """Restore what ``save_state`` wrote and return its progress, or None if there is none.

    A damaged state is named in the log, and the one before it is taken.

    Raises:
        CheckpointError: If no state is whole, or it is one of other modules.
    """
    paths = [path for path in (folder / LAST, folder / PREVIOUS) if path.is_file()]
    for path in paths:
        try:
            tensors, progress = _read(path)
        except CheckpointError as error:
            logger.warning("%s; trying the state before it", error)
            continue
        _into_modules(path, tensors, modules)
        for index, optimizer in enumerate(optimizers):
            state: dict[int, dict[str, Tensor]] = {}
            for name, tensor in tensors.items():
                if name.startswith(f"optimizer.{index}."):
                    _, _, key, field = name.split(".", 3)
                    state.setdefault(int(key), {})[field] = tensor
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        return progress
    if paths:
        raise CheckpointError(
            f"no state in {folder} is whole",
            hint=f"delete {' and '.join(path.name for path in paths)} to start the stage again",
        )
    return None


def read_progress(folder: Path) -> dict[str, Any] | None:
    """Progress of the newest state that can be opened, without its tensors; None if there is none.

    Whether the state is whole is for ``load_state`` to say.
    """
    for path in (folder / LAST, folder / PREVIOUS):
        if path.is_file():
            try:
                with safe_open(path, "pt") as file:
                    return _progress(file.metadata())
            except (SafetensorError, OSError, KeyError, ValueError):
                continue
    return None


def save_best(folder: Path, modules: Mapping[str, nn.Module], progress: Mapping[str, Any]) -> None:
    """Write the weights of the best validation so far.

    Raises:
        DiskFullError: If there is no room; the old ones stay.
    """
    _write(folder / BEST, _of_modules(modules), progress)


def load_best(folder: Path, modules: Mapping[str, nn.Module]) -> dict[str, Any]:
    """Put the best weights into modules and return the progress at which they were.

    Raises:
        CheckpointError: If there are none, or they are damaged or of other modules.
    """
    tensors, progress = _read(folder / BEST)
    _into_modules(folder / BEST, tensors, modules)
    return progress


def _of_modules(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    return {
        f"module.{prefix}.{name}": tensor.detach().cpu().clone()
        for prefix, module in modules.items()
        for name, tensor in module.state_dict().items()
    }


def _into_modules(
    path: Path, tensors: Mapping[str, Tensor], modules: Mapping[str, nn.Module]
) -> None:
    for prefix, module in modules.items():
        start = f"module.{prefix}."
        own = {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}
        try:
            module.load_state_dict(own)
        except RuntimeError as error:
            raise CheckpointError(
                f"{path} is of another {prefix} than the recipe's: "
                f"{str(error).splitlines()[-1].strip()}",
                hint="train into another run folder, or go back to the recipe of this one",
            ) from error


def _write(
    path: Path,
    tensors: dict[str, Tensor],
    progress: Mapping[str, Any],
    keep: Path | None = None,
) -> None:
    metadata = {"progress": json.dumps(dict(progress)), "digest": digest_tensors(tensors).hex()}
    with whole_file(path) as partial:
        save_file(tensors, partial, metadata=metadata)
        if keep is not None and path.is_file():
            path.replace(keep)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            progress = _progress(metadata)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path} is not a whole state: {error}") from error
    if digest_tensors(tensors).hex() != metadata.get("digest"):
        raise CheckpointError(f"{path} is not what was written: its digest differs")
    return tensors, progress


def _progress(metadata: Mapping[str, str] | None) -> dict[str, Any]:
    progress: dict[str, Any] = json.loads((metadata or {})["progress"])
    return progress
