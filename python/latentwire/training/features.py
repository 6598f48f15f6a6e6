"""What encoders read of training rows: bytes, or states of a frozen sender, cached or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from latentwire.frozen import FrozenModel
from latentwire.models import ByteEncoder
from latentwire.training.feature_cache import FeatureCache, gathered, padded

_RESIDENT_SHARE = 0.25
"""What cached states may take of the memory that a GPU has free; a teacher's take some as well."""
_SAMPLED_TEXTS = 64
_ROWS_COPIED = 1 << 18


class EncoderInputs(Protocol):
    """Where an encoder's inputs come from, by row index."""

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Inputs [B, T, ...] and mask bool [B, T] of rows."""
        ...

    def width(self, rows: Sequence[int]) -> int:
        """T of a batch of these rows."""
        ...


class ByteInputs:
    """Inputs of a byte encoder: the texts themselves."""

    def __init__(self, encoder: ByteEncoder, texts: Sequence[str]) -> None:
        self.encoder = encoder
        self.texts = texts

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Bytes int64 [B, T] and mask bool [B, T]."""
        return self.encoder.batch([self.texts[row] for row in rows])

    def width(self, rows: Sequence[int]) -> int:
        """T of a batch of these rows."""
        longest = max(1, *(len(self.texts[row].encode()) for row in rows))
        return min(longest, self.encoder.config.max_bytes)


class StateInputs:
    """States of a frozen sender, computed whenever they are wanted: where there is no cache.

    Args:
        frozen: The sender.
        layer: Which of its layers are read.
        texts: What it reads; tokenized here, once.
    """

    def __init__(
        self, frozen: FrozenModel, layer: int | tuple[int, ...], texts: Sequence[str]
    ) -> None:
        self.frozen = frozen
        self.layer = layer
        self.ids = frozen.ids_read(texts)

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """States float32 [B, T, d] and mask bool [B, T]."""
        # In full precision whatever the step is in: these are what the encoder meets in use.
        with torch.autocast(self.frozen.device.type, enabled=False):
            states, mask = self.frozen.hidden_states_of([self.ids[row] for row in rows], self.layer)
        return states.clone(), mask.clone()  # out of inference mode

    def width(self, rows: Sequence[int]) -> int:
        """T of a batch of these rows."""
        return max(len(self.ids[row]) for row in rows)

    def sample(self, num_states: int, seed: int) -> Tensor:
        """States float32 [N, d] of texts drawn at random, for the normalizer's statistics."""
        order = np.random.default_rng(seed).permutation(len(self.ids)).tolist()
        found: list[Tensor] = []
        while order and sum(map(len, found)) < num_states:
            chosen, order = order[:_SAMPLED_TEXTS], order[_SAMPLED_TEXTS:]
            states, mask = self.batch(chosen)
            found.append(states[mask])
        return torch.cat(found)[:num_states]


class JoinedCaches:
    """Several caches end to end: rows of the second follow those of the first.

    On a GPU with room for them the states are kept there: small models would else wait for the
    processor to gather every batch.
    """

    def __init__(self, caches: Sequence[FeatureCache]) -> None:
        self.caches = caches
        self.starts = np.cumsum([0, *(len(cache.offsets) - 1 for cache in caches)])
        self.lengths = np.concatenate([np.diff(cache.offsets) for cache in caches])
        self.offsets = np.cumsum(self.lengths) - self.lengths  # in all caches, end to end
        self.resident = self._on_device() if self._fits() else None

    def _fits(self) -> bool:
        device = self.caches[0].device
        if device.type != "cuda":
            return False
        free, _ = torch.cuda.mem_get_info(device)
        return sum(cache.states.nbytes for cache in self.caches) < _RESIDENT_SHARE * free

    def _on_device(self) -> Tensor:
        """The states of all caches, float16 [N, ...]."""
        shape = self.caches[0].states.shape[1:]
        total, device = int(self.lengths.sum()), self.caches[0].device
        states = torch.empty((total, *shape), dtype=torch.float16, device=device)
        start = 0
        for cache in self.caches:
            for part in range(0, len(cache.states), _ROWS_COPIED):
                rows = torch.from_numpy(cache.states[part : part + _ROWS_COPIED].copy())
                states[start : start + len(rows)] = rows
                start += len(rows)
        return states

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """States float32 [B, T, d] or [B, T, n, d] and mask bool [B, T] of rows, right-padded."""
        if self.resident is not None:
            chosen = np.asarray(rows)
            starts, lengths = self.offsets[chosen], self.lengths[chosen]
            return gathered(self.resident, torch.from_numpy(starts), torch.from_numpy(lengths))
        owners = (np.searchsorted(self.starts, rows, side="right") - 1).tolist()
        starts = self.starts.tolist()
        pieces = [
            self.caches[owner].text_states(row - starts[owner])
            for owner, row in zip(owners, rows, strict=True)
        ]
        return padded(pieces, self.caches[0].device)

    def width(self, rows: Sequence[int]) -> int:
        """T of a batch of these rows."""
        return int(self.lengths[np.asarray(rows)].max())

    def sample(self, num_states: int, seed: int) -> Tensor:
        """States float32 [N, d] of the first cache, for the normalizer's statistics."""
        return self.caches[0].sample(num_states, seed)
