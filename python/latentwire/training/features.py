"""What encoders read of training rows: bytes, or cached states of a frozen sender."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from torch import Tensor

from latentwire.frozen import FrozenModel
from latentwire.models import ByteEncoder
from latentwire.training.feature_cache import FeatureCache, padded


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
    """States of a frozen sender, computed every time: where there is no cache."""

    def __init__(
        self, frozen: FrozenModel, layer: int | tuple[int, ...], texts: Sequence[str]
    ) -> None:
        self.frozen = frozen
        self.layer = layer
        self.texts = texts

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """States float32 [B, T, d] and mask bool [B, T]."""
        states, mask = self.frozen.hidden_states([self.texts[row] for row in rows], self.layer)
        return states.clone(), mask.clone()  # out of inference mode

    def width(self, rows: Sequence[int]) -> int:
        """T of a batch of these rows."""
        return max(len(ids) for ids in self.frozen.ids_read([self.texts[row] for row in rows]))


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
        return padded(pieces, self.caches[0].device)

    def width(self, rows: Sequence[int]) -> int:
        """T of a batch of these rows."""
        owners = np.searchsorted(self.starts, rows, side="right") - 1
        return max(
            self.caches[int(owner)].width([row - int(self.starts[owner])])
            for owner, row in zip(owners, rows, strict=True)
        )

    def sample(self, num_states: int, seed: int) -> Tensor:
        """States float32 [N, d] of the first cache, for the normalizer's statistics."""
        return self.caches[0].sample(num_states, seed)
