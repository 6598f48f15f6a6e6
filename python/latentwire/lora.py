"""Low-rank additions to a receiver's weights (LoRA), as they lie beside an adapter.

The folder ``receiver_lora`` of a part is one that ``peft`` itself reads: other programs can load it
onto the same model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from latentwire.durable import whole_file, write_whole
from latentwire.errors import CheckpointError

LORA_FOLDER = "receiver_lora"
LORA_WEIGHTS = "adapter_model.safetensors"
LORA_CONFIG = "adapter_config.json"
_PREFIX = "base_model.model."  # what peft puts before the model's own names


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """Which layers have additions, and of what rank (https://arxiv.org/abs/2106.09685).

    Attributes:
        rank: r, of each addition.
        alpha: Additions are multiplied by alpha / rank.
        targets: Last parts of the names of linear layers, e.g. ``q_proj``.
    """

    rank: int
    alpha: int
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Lora:
    """Trained additions.

    Attributes:
        config: What they were built by.
        weights: float32 [r, in] and [out, r] by the model's own names of them.
    """

    config: LoraConfig
    weights: Mapping[str, Tensor]

    def save(self, folder: Path, base_model: str) -> None:
        """Write both files into a folder, the description last.

        Raises:
            DiskFullError: If there is no room.
        """
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {_PREFIX + name: value.contiguous() for name, value in self.weights.items()}
        with whole_file(folder / LORA_WEIGHTS) as partial:
            save_file(tensors, partial)
        described = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base_model,
            "r": self.config.rank,
            "lora_alpha": self.config.alpha,
            "target_modules": list(self.config.targets),
            "inference_mode": True,
        }
        write_whole(folder / LORA_CONFIG, json.dumps(described, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Lora:
        """Read what ``save`` wrote.

        Raises:
            CheckpointError: If a file is missing or damaged.
        """
        try:
            described = json.loads((folder / LORA_CONFIG).read_text())
            config = LoraConfig(
                rank=int(described["r"]),
                alpha=int(described["lora_alpha"]),
                targets=tuple(described["target_modules"]),
            )
            tensors = load_file(folder / LORA_WEIGHTS)
        except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
            raise CheckpointError(
                f"{folder} does not hold the LoRA weights of a receiver: {error!r}",
                hint=f"the folder of a part that says so has {LORA_CONFIG} and {LORA_WEIGHTS}",
            ) from error
        return cls(config, {name.removeprefix(_PREFIX): value for name, value in tensors.items()})
