"""Feature cache: what a frozen sender makes of each training text, computed once, memory-mapped."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from latentwire.durable import reserve, room_for, whole_file, write_whole
from latentwire.frozen import FrozenModel
from latentwire.transfer import to_device

logger = logging.getLogger(__name__)

_BATCH = 64
_FORMAT = b"states-2"
_OFFSETS, _STATES, _DONE = "offsets.npy", "states.f16", "done.json"


class FeatureCache:
    """Hidden states of texts, float16 on disk, rows of any length end to end.

    A folder is named by the digest of model weights, layer and texts, so a cache is never read for
    anything else. ``done.json`` is written last and holds the digests of the other files, so a
    torn or damaged cache is computed again.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.offsets = np.load(folder / _OFFSETS)
        shape = json.loads((folder / _DONE).read_text())["shape"]
        mapped = np.memmap(
            folder / _STATES, dtype=np.float16, mode="r", shape=(int(self.offsets[-1]), *shape)
        )
        self.states = mapped.view(np.ndarray)  # parts of a memmap are slow to make
        self.device = device

    @classmethod
    def open(
        cls,
        root: Path,
        frozen: FrozenModel,
        layer: int | tuple[int, ...],
        texts: Sequence[str],
        progress: Callable[[int, int], None] | None = None,
    ) -> FeatureCache:
        """Open the cache of these texts below ``root``, computing it first if it is not there.

        Raises:
            DiskFullError: If there is no room for it.
        """
        digest = hashlib.blake2b(
            frozen.weights_digest + repr(layer).encode(), digest_size=12, person=_FORMAT
        )
        for text in texts:
            digest.update(text.encode() + b"\0")
        layers = str(layer) if isinstance(layer, int) else "+".join(map(str, layer))
        folder = root / f"{Path(frozen.name).name}-{layers}-{digest.hexdigest()}"
        with room_for(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / ".lock").acquire()  # whoever else wants it waits
        with lock:  # and finds it
            damage = _damage(folder)
            if damage is not None:
                if (folder / _DONE).is_file():
                    logger.warning("%s: %s; computing it again", folder, damage)
                _compute(folder, frozen, layer, texts, progress)
        return cls(folder, frozen.device)

    def text_states(self, row: int) -> np.ndarray:
        """States float16 [T, d] of one text, [T, n, d] of n layers."""
        states: np.ndarray = self.states[self.offsets[row] : self.offsets[row + 1]]
        return states

    def sample(self, num_states: int, seed: int) -> Tensor:
        """States float32 [N, d] or [N, n, d] drawn at random, for the normalizer's statistics."""
        generator = np.random.default_rng(seed)
        chosen = generator.choice(len(self.states), min(num_states, len(self.states)), False)
        return torch.from_numpy(self.states[np.sort(chosen)].astype(np.float32))


def padded(pieces: Sequence[np.ndarray], device: torch.device) -> tuple[Tensor, Tensor]:
    """States [T, ...] of several texts as float32 [B, T, ...] and mask bool [B, T]."""
    width = max(len(piece) for piece in pieces)
    shape = (len(pieces), width, *pieces[0].shape[1:])
    # In pinned memory to begin with, for a GPU: see ``to_device``. Half precision is half the way.
    states = torch.zeros(shape, dtype=torch.float16, pin_memory=device.type == "cuda")
    for target, piece in zip(states.numpy(), pieces, strict=True):
        target[: len(piece)] = piece
    lengths = torch.tensor([len(piece) for piece in pieces])
    mask = torch.arange(width)[None, :] < lengths[:, None]
    return to_device(states, device).float(), to_device(mask, device)


def gathered(states: Tensor, starts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """As ``padded``, of states [N, ...] that lie on the device already.

    Args:
        states: Of all texts, end to end.
        starts: int64 [B] on the processor, where the states of each text begin.
        lengths: int64 [B] on the processor, how many there are.
    """
    width = int(lengths.max())
    first, length = to_device(torch.stack([starts, lengths]), states.device)[:, :, None]
    columns = torch.arange(width, device=states.device)
    mask = columns < length  # [B, T]
    found = states[torch.where(mask, first + columns, 0)].float()
    return found.masked_fill(~mask.view(*mask.shape, *[1] * (found.ndim - 2)), 0), mask


def _compute(
    folder: Path,
    frozen: FrozenModel,
    layer: int | tuple[int, ...],
    texts: Sequence[str],
    progress: Callable[[int, int], None] | None,
) -> None:
    """Fill the cache; no more than a batch of states is in memory."""
    (folder / _DONE).unlink(missing_ok=True)
    logger.info("caching %d texts of %s, layer %s", len(texts), frozen.name, layer)
    lengths = [len(ids) for ids in frozen.ids_read(texts)]
    offsets = np.cumsum([0, *lengths])
    with whole_file(folder / _OFFSETS) as partial, partial.open("wb") as file:
        np.save(file, offsets)
    # Texts of like length share a batch; rows are written where they belong.
    order = sorted(range(len(texts)), key=lambda row: lengths[row])
    shape = [frozen.hidden_size] if isinstance(layer, int) else [len(layer), frozen.hidden_size]
    whole = (int(offsets[-1]), *shape)
    with whole_file(folder / _STATES) as partial:
        # All room at once: a full disk is an error now, not a crash of the memory map later.
        reserve(partial, 2 * math.prod(whole))
        states = np.memmap(partial, dtype=np.float16, mode="r+", shape=whole)
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            # In full precision: these are what the encoder meets in use.
            with torch.autocast(frozen.device.type, enabled=False):
                found, mask = frozen.hidden_states([texts[row] for row in chosen], layer)
            for row, state, real in zip(chosen, found.cpu(), mask.cpu(), strict=True):
                states[offsets[row] : offsets[row + 1]] = state[real].to(torch.float16).numpy()
            if progress is not None:
                progress(start + len(chosen), len(order))
        states.flush()
    done = {"shape": shape, "digests": _digests(folder)}
    write_whole(folder / _DONE, json.dumps(done))


def _damage(folder: Path) -> str | None:
    """What is wrong with a cache, or None if it is whole."""
    try:
        wanted = json.loads((folder / _DONE).read_text())["digests"]
        found = _digests(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"the cache is not whole ({error})"
    for name, digest in found.items():
        if wanted.get(name) != digest:
            return f"{name} is not what was written"
    return None


def _digests(folder: Path) -> dict[str, str]:
    """BLAKE2b-128 of the files of a cache."""
    found = {}
    for name in (_OFFSETS, _STATES):
        with (folder / name).open("rb") as file:
            found[name] = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
    return {name: digest.hexdigest() for name, digest in found.items()}
