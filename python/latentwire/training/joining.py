"""What a stage takes over as it is: a latent space and parts of it, of its own run or another."""

from __future__ import annotations

from pathlib import Path

from latentwire.checkpoint import PART_JSON, Part, locate_part, part_folders
from latentwire.errors import CheckpointError
from latentwire.models.registry import Role
from latentwire.space import MANIFEST, LatentSpace
from latentwire.training.recipe_sections import SpaceRecipe


def encoder_folder(sender: str) -> Path:
    """Where the encoder of a sender lies, below the folder of a run or a space."""
    return Path("encoders", Path(sender).name)


def adapter_folder(receiver: str) -> Path:
    """Where the adapter of a receiver lies, below the folder of a run or a space."""
    return Path("adapters", Path(receiver).name)


def find_part(role: Role, model: str, space: SpaceRecipe, run_dir: Path) -> Path:
    """Folder of a part that is joined: of this run, of the space that is joined, or shipped.

    Raises:
        ModelNotFoundError: If there is none.
    """
    own = (encoder_folder if role == "encoder" else adapter_folder)(model)
    for folder in part_folders(run_dir, space.joins):
        if (folder / own / PART_JSON).is_file():
            return folder / own
    return locate_part(role, model)


def has_space(space: SpaceRecipe, run_dir: Path) -> bool:
    """Whether there is a space to join."""
    return any((folder / MANIFEST).is_file() for folder in part_folders(run_dir, space.joins))


def load_space(wanted: SpaceRecipe, run_dir: Path) -> LatentSpace:
    """The manifest of the space that is joined.

    Raises:
        CheckpointError: If there is none, it is damaged, or it is not as the recipe has it.
    """
    folders = part_folders(run_dir, wanted.joins)
    folder = next((path for path in folders if (path / MANIFEST).is_file()), folders[-1])
    found = LatentSpace.load(folder)
    for field in ("num_latents", "latent_width", "encoding"):
        if getattr(found, field) != getattr(wanted, field):
            raise CheckpointError(
                f"{folder / MANIFEST} has {field} {getattr(found, field)!r}, the recipe "
                f"{getattr(wanted, field)!r}",
                hint="train into another run folder, or set the recipe's space to what it is",
            )
    return found


def check_space(part: Part, space: LatentSpace, what: str) -> None:
    """Refuse a part of another space.

    Raises:
        CheckpointError: If it is one.
    """
    if part.space.fingerprint != space.fingerprint:
        raise CheckpointError(
            f"{what} is of another latent space: {part.space.name} "
            f"{part.space.fingerprint.hex()[:12]}, not {space.name} {space.fingerprint.hex()[:12]}",
            hint="train the stage that founds the space again, or use its own run folder",
        )
