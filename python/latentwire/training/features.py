"""Feature cache: what a frozen sender makes of each training text, computed once, memory-mapped."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from latentwire.frozen import FrozenModel
from latentwire.frozen.precision import fast_autocast
from latentwire.models import ByteEncoder

logger = logging.getLogger(__name__)

_BATCH = 64


class EncoderInputs(Protocol):
    """Where an encoder's inputs come from, by row index."""

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Inputs [B, T, ...] and mask bool [B, T] of rows."""
        ...


class ByteInputs:
    """Inputs of a byte encoder: the texts themselves."""

    def __init__(self, encoder: ByteEncoder, texts: Sequence[str]) -> None:
        self.encoder = encoder
        self.texts = texts

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Bytes int64 [B, T] and mask bool [B, T]."""
        return self.encoder.batch([self.texts[row] for row in rows])


class FeatureCache:
    """Hidden states of texts, float16 on disk, rows of any length end to end.

    A folder is named by the digest of model weights, layer and texts, so a cache is never read for
    anything else; ``done.json`` is written last, so a torn cache is computed again.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.offsets = np.load(folder / "offsets.npy")
        width = json.loads((folder / "done.json").read_text())["width"]
        self.states = np.memmap(
            folder / "states.f16", dtype=np.float16, mode="r", shape=(int(self.offsets[-1]), width)
        )
        self.device = device

    @classmethod
    def open(
        cls,
        root: Path,
        frozen: FrozenModel,
        layer: int,
        texts: Sequence[str],
        progress: Callable[[int, int], None] | None = None,
    ) -> FeatureCache:
        """Open the cache of these texts below ``root``, computing it first if it is not there."""
        digest = hashlib.blake2b(frozen.weights_digest + bytes([layer]), digest_size=12)
        for text in texts:
            digest.update(text.encode() + b"\0")
        folder = root / f"{Path(frozen.name).name}-{layer}-{digest.hexdigest()}"
        if not (folder / "done.json").is_file():
            cls._compute(folder, frozen, layer, texts, progress)
        return cls(folder, frozen.device)

    @staticmethod
    def _compute(
        folder: Path,
        frozen: FrozenModel,
        layer: int,
        texts: Sequence[str],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        logger.info("caching %d texts of %s, layer %d", len(texts), frozen.name, layer)
        # Texts of like length share a batch; rows are written back in the order of the texts.
        lengths = [len(ids) for ids in frozen.tokenize(texts)]
        order = sorted(range(len(texts)), key=lambda row: lengths[row])
        rows: list[np.ndarray | None] = [None] * len(texts)
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            with fast_autocast(frozen.device):
                states, mask = frozen.hidden_states([texts[row] for row in chosen], layer)
            for row, state, real in zip(chosen, states.cpu(), mask.cpu(), strict=True):
                rows[row] = state[real].to(torch.float16).numpy()
            if progress is not None:
                progress(start + len(chosen), len(order))
        arrays = [row for row in rows if row is not None]
        np.save(folder / "offsets.npy", np.cumsum([0, *(len(array) for array in arrays)]))
        with (folder / "states.f16").open("wb") as file:
            for array in arrays:
                file.write(array.tobytes())
        (folder / "done.json").write_text(json.dumps({"width": frozen.hidden_size}))

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """States float32 [B, T, d] and mask bool [B, T] of rows, right-padded."""
        return _padded([self.text_states(row) for row in rows], self.device)

    def text_states(self, row: int) -> np.ndarray:
        """States float16 [T, d] of one text."""
        states: np.ndarray = self.states[self.offsets[row] : self.offsets[row + 1]]
        return states

    def sample(self, num_states: int, seed: int) -> Tensor:
        """States float32 [N, d] drawn at random, for the normalizer's statistics."""
        generator = np.random.default_rng(seed)
        chosen = generator.choice(len(self.states), min(num_states, len(self.states)), False)
        return torch.from_numpy(self.states[np.sort(chosen)].astype(np.float32))


class JoinedCaches:
    """Several caches end to end: rows of the second follow those of the first."""

    def __init__(self, caches: Sequence[FeatureCache]) -> None:
        self.caches = caches
        self.starts = np.cumsum([0, *(len(cache.offsets) - 1 for cache in caches)])

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """States float32 [B, T, d] and mask bool [B, T] of rows, right-padded."""
        owners = np.searchsorted(self.starts, rows, side="right") - 1
        pieces = [
            self.caches[owner].text_states(row - int(self.starts[owner]))
            for owner, row in zip(owners, rows, strict=True)
        ]
        return _padded(pieces, self.caches[0].device)

    def sample(self, num_states: int, seed: int) -> Tensor:
        """States float32 [N, d] of the first cache, for the normalizer's statistics."""
        return self.caches[0].sample(num_states, seed)


def _padded(pieces: Sequence[np.ndarray], device: torch.device) -> tuple[Tensor, Tensor]:
    """States [T, d] of several texts as float32 [B, T, d] and mask bool [B, T]."""
    width = max(len(piece) for piece in pieces)
    states = np.zeros((len(pieces), width, pieces[0].shape[1]), dtype=np.float16)
    for target, piece in zip(states, pieces, strict=True):
        target[: len(piece)] = piece
    lengths = torch.tensor([len(piece) for piece in pieces])
    mask = torch.arange(width)[None, :] < lengths[:, None]
    return torch.from_numpy(states).float().to(device), mask.to(device)
