"""Trained parts on disk: one folder a part, ``part.json`` and ``part.safetensors``.

A part is an encoder or an adapter together with the latent space that it speaks and the frozen
model that it belongs to. The shipped space keeps its parts under ``pretrained/spaces/``:

    tiny-v1/encoders/<sender>/    tiny-v1/adapters/<receiver>/
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import huggingface_hub.utils
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from torch import nn

from latentwire.catalog import PRETRAINED_DIR
from latentwire.durable import PARTIAL_FOLDER, whole_files, write_whole
from latentwire.errors import CheckpointError, HubError, ModelNotFoundError
from latentwire.lora import LORA_CONFIG, LORA_FOLDER, LORA_WEIGHTS, Lora
from latentwire.model_card import part_card
from latentwire.models.registry import ARCHITECTURES, Role
from latentwire.space import LatentSpace
from latentwire.storage import Bits, load_weights, save_weights

DEFAULT_SPACE = "tiny-v1"
SPACES_DIR = PRETRAINED_DIR / "spaces"
PART_JSON = "part.json"
PART_WEIGHTS = "part.safetensors"
CARD = "README.md"
_LORA_FILES = (f"{LORA_FOLDER}/{LORA_CONFIG}", f"{LORA_FOLDER}/{LORA_WEIGHTS}")
# What the hub's library sends requests with changes its name; older ones raise an OSError.
_TRANSPORT = getattr(huggingface_hub.utils, "httpx", None)
_HUB_ERRORS = (
    HfHubHTTPError,
    HFValidationError,
    OSError,
    *(() if _TRANSPORT is None else (_TRANSPORT.HTTPError,)),
)
_FILES = [PART_JSON, PART_WEIGHTS, CARD, *_LORA_FILES]


@dataclass(frozen=True)
class Part:
    """An encoder or adapter with what it belongs to.

    Attributes:
        role: ``encoder`` or ``adapter``.
        module: The module, in evaluation mode.
        model: Name of the frozen model it was trained for; ``bytes`` for the byte encoder.
        model_digest: Digest of that model's weights at training time, hexadecimal; empty for none.
        space: The latent space that it speaks.
        figures: What was measured of it on validation rows, with what else its card should say.
        lora: Additions to the weights of a receiver, without which its adapter is not to be used;
            None where the model is read as it is.
        receiver_digest: Digest of the other model's weights, of a projector; empty for other parts.
    """

    role: Role
    module: nn.Module
    model: str
    model_digest: str
    space: LatentSpace
    figures: Mapping[str, Any] = field(default_factory=dict)
    lora: Lora | None = None
    receiver_digest: str = ""

    def save(self, folder: str | os.PathLike[str], *, bits: Bits = 16) -> None:
        """Write the part: weights, its card, and ``part.json`` last.

        ``part.json`` holds the digest of the weights, so that a folder which was being written when
        the process died is not taken for a part.

        Raises:
            DiskFullError: If there is no room; a part that was there stays.
        """
        with whole_files(Path(folder), last=PART_JSON) as partial:
            save_weights(self.module.state_dict(), partial / PART_WEIGHTS, bits=bits)
            if self.lora is not None:
                self.lora.save(partial / LORA_FOLDER, self.model)
            self._describe(partial, partial)

    def with_figures(self, folder: str | os.PathLike[str], figures: Mapping[str, Any]) -> Part:
        """The part with other figures, written to the folder that its weights are in.

        Raises:
            DiskFullError: If there is no room; the description is as it was.
        """
        part = replace(self, figures=figures)
        with whole_files(Path(folder), last=PART_JSON) as partial:
            part._describe(partial, Path(folder))
        return part

    def _describe(self, target: Path, weights: Path) -> None:
        """Write the card and ``part.json`` of the weights that are in a folder."""
        description = {
            "role": self.role,
            "kind": self.module.kind,
            "model": self.model,
            "model_digest": self.model_digest,
            "config": asdict(self.module.config),  # type: ignore[call-overload]
            "space": asdict(self.space),
            "weights_digest": _digest(weights / PART_WEIGHTS),
            "figures": dict(self.figures),
        }
        if self.receiver_digest:
            description["receiver_digest"] = self.receiver_digest
        if self.lora is not None:
            description["receiver_lora"] = {
                **asdict(self.lora.config),
                "weights_digest": _digest(weights / LORA_FOLDER / LORA_WEIGHTS),
            }
        write_whole(target / CARD, part_card(self))
        write_whole(target / PART_JSON, json.dumps(description, indent=2) + "\n")

    def save_pretrained(self, folder: str | os.PathLike[str], *, bits: Bits = 16) -> None:
        """``save``, under the name that Hugging Face libraries use."""
        self.save(folder, bits=bits)

    @classmethod
    def from_pretrained(cls, name_or_folder: str | os.PathLike[str], role: Role) -> Part:
        """Read a part from a folder, or from the hub by ``owner/name``.

        Raises:
            ModelNotFoundError: If there is neither such a folder nor such a part on the hub.
            CheckpointError: If a file is missing or damaged, or the part has another role.
        """
        name = os.fspath(name_or_folder)
        is_on_hub = name.count("/") == 1 and not name.startswith((".", "/"))
        if Path(name).is_dir() or not is_on_hub:
            return cls.load(name, role)
        try:
            folder = snapshot_download(name, allow_patterns=_FILES)
        except _HUB_ERRORS as error:
            reason = _reason(error)
            raise ModelNotFoundError(
                f"no {role} {name!r}: there is no such folder, and the hub says: {reason}"
            ) from error
        return cls.load(folder, role)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        bits: Bits = 16,
        private: bool | None = None,
        token: str | None = None,
    ) -> str:
        """Publish the part with its card on the Hugging Face hub; returns its address.

        Args:
            repo_id: ``owner/name``; made if it is not there.
            bits: Storage of the weights.
            private: Whether a repository that is made can be read by its owner only.
            token: Access token; default: the one that ``hf auth login`` stored.

        Raises:
            HubError: If the hub cannot be reached or does not let us write there. All files appear
                in one commit or none does.
        """
        api = HfApi(token=token)
        with tempfile.TemporaryDirectory() as folder:
            self.save(folder, bits=bits)
            try:
                url = api.create_repo(repo_id, private=private, exist_ok=True)
                api.upload_folder(repo_id=url.repo_id, folder_path=folder)
            except _HUB_ERRORS as error:
                raise HubError(
                    f"{repo_id!r} was not published at {api.endpoint}: {_reason(error)}",
                    hint="log in with `hf auth login` or give token=..., see that you may write "
                    "there, and that HF_HUB_OFFLINE is not set",
                ) from error
        return str(url)

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
        damage = _damage(source, description)
        if damage is not None:
            raise CheckpointError(
                f"part {source} is damaged: {damage}",
                hint="the folder was being written when its process died: start the training "
                "command again, which goes on from its last state",
            )
        try:
            module.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(
                f"{source / PART_WEIGHTS} does not fit {path}: "
                f"{str(error).splitlines()[-1].strip()}"
            ) from error
        module.eval().requires_grad_(False)
        lora = None
        if "receiver_lora" in description:
            lora = Lora.load(source / LORA_FOLDER)
        return cls(
            role,
            module,
            description["model"],
            description["model_digest"],
            space,
            description.get("figures", {}),
            lora,
            description.get("receiver_digest", ""),
        )


def _reason(error: Exception) -> str:
    """The first line of what an error says, or its kind if it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _digest(path: Path) -> str:
    """BLAKE2b-128 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


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
        f"give the folder of your own: {role}=... in Python, latentwire host --{role} FOLDER",
    )


def part_folders(run_dir: Path, joins: str | None) -> list[Path]:
    """Where the parts of a run are looked for, in this order: its own folder, then the space's.

    Args:
        run_dir: The run's folder.
        joins: The space that it joins, a shipped one by its name or a folder; None: it founds one.
    """
    if joins is None:
        return [run_dir]
    return [run_dir, space_folder(joins)]


def space_folder(name: str) -> Path:
    """Folder of a shipped space by its name; of any other, and of a run, the name is the folder."""
    shipped = SPACES_DIR / name
    return shipped if shipped.is_dir() else Path(name)


def shipped_parts(role: Role) -> list[str]:
    """Names of the models that a part is shipped for."""
    folder = SPACES_DIR / DEFAULT_SPACE / f"{role}s"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def describe_parts(folder: Path) -> list[dict[str, Any]]:
    """What the parts below a folder are, without loading their weights.

    Returns:
        Of each part its description, with ``damage``: what is wrong with its files, or None. Where
        ``part.json`` cannot be read there are only ``damage`` and ``folder``.
    """
    paths = sorted(folder.rglob(PART_JSON))
    return [_describe_part(path) for path in paths if path.parent.name != PARTIAL_FOLDER]


def _describe_part(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text())
        space = LatentSpace(**description["space"])
        weights = path.parent / PART_WEIGHTS
        return {
            "role": description["role"],
            "kind": description["kind"],
            "model": description["model"],
            "space": space.name,
            "fingerprint": space.fingerprint.hex(),
            "num_latents": space.num_latents,
            "latent_width": space.latent_width,
            "megabytes": weights.stat().st_size / 1e6 if weights.is_file() else 0.0,
            "folder": str(path.parent),
            "figures": description.get("figures", {}),
            "damage": _damage(path.parent, description),
        }
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        damage = f"{PART_JSON} does not describe a part: {error!r}"
        return {"folder": str(path.parent), "damage": damage}


def _damage(folder: Path, description: Mapping[str, Any]) -> str | None:
    """What is wrong with the weights that a ``part.json`` tells of, or None."""
    # Parts of the first release have no digest.
    wanted = {PART_WEIGHTS: description.get("weights_digest", "")}
    if "receiver_lora" in description:
        said = description["receiver_lora"].get("weights_digest", "none")
        wanted[f"{LORA_FOLDER}/{LORA_WEIGHTS}"] = said
    for name, digest in wanted.items():
        if not (folder / name).is_file():
            return f"there is no file {name}"
        if digest and digest != _digest(folder / name):
            return f"{name} is not what {PART_JSON} was written with"
    return None
