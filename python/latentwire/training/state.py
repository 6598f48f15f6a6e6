"""State of an interrupted run: weights, optimizers and progress in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

STATE_FILE = "state.safetensors"


def save_state(
    folder: Path,
    modules: Mapping[str, nn.Module],
    optimizers: Sequence[torch.optim.Optimizer],
    progress: Mapping[str, Any],
) -> None:
    """Write the state; the old file stays until the new one is whole."""
    tensors: dict[str, Tensor] = {}
    for prefix, module in modules.items():
        for name, tensor in module.state_dict().items():
            tensors[f"module.{prefix}.{name}"] = tensor.detach().cpu().clone()
    for index, optimizer in enumerate(optimizers):
        for key, state in optimizer.state_dict()["state"].items():
            for field, value in state.items():
                tensors[f"optimizer.{index}.{key}.{field}"] = torch.as_tensor(value).cpu().clone()
    partial = folder / f"{STATE_FILE}.partial"
    save_file(tensors, partial, metadata={"progress": json.dumps(dict(progress))})
    partial.replace(folder / STATE_FILE)


def load_state(
    folder: Path,
    modules: Mapping[str, nn.Module],
    optimizers: Sequence[torch.optim.Optimizer],
) -> dict[str, Any] | None:
    """Restore what ``save_state`` wrote and return its progress, or None if there is none."""
    path = folder / STATE_FILE
    if not path.is_file():
        return None
    with safe_open(path, "pt") as file:
        progress: dict[str, Any] = json.loads(file.metadata()["progress"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for prefix, module in modules.items():
        start = f"module.{prefix}."
        module.load_state_dict(
            {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}
        )
    for index, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith(f"optimizer.{index}."):
                _, _, key, field = name.split(".", 3)
                state.setdefault(int(key), {})[field] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return progress
