"""Latent space: the agreed meaning of a message's numbers, and its fingerprint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from latentwire.durable import write_whole
from latentwire.errors import CheckpointError
from latentwire.message import SpaceRef

MANIFEST = "space.json"


@dataclass(frozen=True, kw_only=True)
class LatentSpace:
    """Manifest of a latent space.

    Encoders and adapters that name the same fingerprint understand each other. Two spaces of equal
    shape that were founded by different training runs differ in ``lineage`` and do not.

    Attributes:
        name: Readable name, e.g. ``"tiny-v1"``.
        num_latents: K, the most latents in a message; any first k of them are a shorter message.
        latent_width: d_z.
        encoding: Payload encoding that the parts were trained through.
        lineage: What founded the space: recipe, seed and the digest of the founding encoder.
    """

    name: str
    num_latents: int = 32
    latent_width: int = 256
    encoding: str = "int8"
    lineage: str = ""

    @property
    def fingerprint(self) -> bytes:
        """BLAKE2b-128 of the canonical JSON of the manifest."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=16).digest()

    @property
    def ref(self) -> SpaceRef:
        """What a packet's header says of this space."""
        return SpaceRef(name=self.name, fingerprint=self.fingerprint)

    def save(self, folder: Path) -> None:
        """Write ``space.json``.

        Raises:
            DiskFullError: If there is no room.
        """
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / MANIFEST, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> LatentSpace:
        """Read ``space.json``.

        Raises:
            CheckpointError: If it is missing or is not such a manifest.
        """
        path = folder / MANIFEST
        if not path.is_file():
            raise CheckpointError(f"checkpoint folder {folder} has no file {MANIFEST}")
        try:
            return cls(**json.loads(path.read_text()))
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"{path} is not a latent-space manifest: {error}") from error
