"""Trained parts on disk: one folder a part, ``part.json`` and ``part.safetensors``.

A part is an encoder or an adapter together with the latent space that it speaks and the frozen
model that it belongs to. The shipped space keeps its parts under ``pretrained/spaces/``:

    tiny-v1/encoders/<sender>/    tiny-v1/adapters/<receiver>/
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import nn

from latentwire.catalog import PRETRAINED_DIR
from latentwire.errors import CheckpointError, ModelNotFoundError
from latentwire.models.registry import ARCHITECTURES, Role
from latentwire.space import LatentSpace
from latentwire.storage import Bits, load_weights, save_weights

DEFAULT_SPACE = "tiny-v1"
SPACES_DIR = PRETRAINED_DIR / "spaces"
PART_JSON = "part.json"
PART_WEIGHTS = "part.safetensors"


@dataclass(frozen=True)
class Part:
    """An encoder or adapter with what it belongs to.

    Attributes:
        role: ``encoder`` or ``adapter``.
        module: The module, in evaluation mode.
        model: Name of the frozen model it was trained for; ``bytes`` for the byte encoder.
        model_digest: Digest of that model's weights at training time, hexadecimal; empty for none.
        space: The latent space that it speaks.
    """

    role: Role
    module: nn.Module
    model: str
    model_digest: str
    space: LatentSpace

    def save(self, folder: str | os.PathLike[str], *, bits: Bits = 16) -> None:
        """Write the part; weights first, so that a folder with ``part.json`` is whole."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        save_weights(self.module.state_dict(), target / PART_WEIGHTS, bits=bits)
        description = {
            "role": self.role,
            "kind": self.module.kind,
            "model": self.model,
            "model_digest": self.model_digest,
            "config": asdict(self.module.config),  # type: ignore[call-overload]
            "space": asdict(self.space),
        }
        (target / PART_JSON).write_text(json.dumps(description, indent=2) + "\n")

    @classmethod
    def load(cls, folder: str | os.PathLike[str], role: Role) -> Part:
        """Read a part.

        Raises:
            CheckpointError: If a file is missing or damaged, or the part has another role.
        """
        source = Path(folder)
        path = source / PART_JSON
        if not path.is_file():
            raise CheckpointError(
                f"checkpoint folder {source} has no file {PART_JSON}",
                hint="point at a folder that training wrote",
            )
        try:
            description = json.loads(path.read_text())
            architecture = ARCHITECTURES[description["kind"]]
            options = {
                key: tuple(value) if isinstance(value, list) else value
                for key, value in description["config"].items()
            }
            module = architecture.module(architecture.config(**options))
            space = LatentSpace(**description["space"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path} does not describe a part: {error!r}") from error
        if description["role"] != role:
            raise CheckpointError(f"{source} holds an {description['role']}, not an {role}")
        weights = load_weights(source / PART_WEIGHTS)
        try:
            module.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(
                f"{source / PART_WEIGHTS} does not fit {path}: "
                f"{str(error).splitlines()[-1].strip()}"
            ) from error
        module.eval().requires_grad_(False)
        return cls(role, module, description["model"], description["model_digest"], space)


def locate_part(role: Role, model: str, folder: str | None = None) -> Path:
    """Folder of the part: the given one, or the one shipped for this model.

    Raises:
        ModelNotFoundError: If none is given and none is shipped for the model.
    """
    if folder is not None:
        return Path(folder)
    names = shipped_parts(role)
    if model in names:
        return SPACES_DIR / DEFAULT_SPACE / f"{role}s" / model
    raise ModelNotFoundError(
        f"no trained {role} for model {model!r}",
        hint=f"{role}s are shipped for: {', '.join(names) or 'none'}; "
        f"give the folder of your own with {role}=...",
    )


def shipped_parts(role: Role) -> list[str]:
    """Names of the models that a part is shipped for."""
    folder = SPACES_DIR / DEFAULT_SPACE / f"{role}s"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
