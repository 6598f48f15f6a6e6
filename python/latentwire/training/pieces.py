"""Which tokens of a receiver say what a piece of the sender's text says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Spans = Sequence[tuple[int, int]]
"""Characters of a text, from one to before the other, by token; empty for special tokens."""


@dataclass(frozen=True)
class Pieces:
    """What an encoder cut the texts of a batch into.

    Attributes:
        spans: Of each text's positions in the sender.
        of_positions: int64 [B, T], which piece each position belongs to.
        mask: bool [B, T], False where the encoder sees nothing.
    """

    spans: Sequence[Spans]
    of_positions: Tensor
    mask: Tensor

    def of_tokens(self, spans: Sequence[Spans]) -> list[NDArray[np.int64]]:
        """The piece in which each token of another model ends, [T] each; -1 if in none.

        A causal sender knows a word when it has read its end.
        """
        pieces, mask = self.of_positions.tolist(), self.mask.tolist()
        found = []
        for row, tokens in enumerate(spans):
            own = [
                (start, end, pieces[row][at])
                for at, (start, end) in enumerate(self.spans[row])
                if end > start and mask[row][at]
            ]
            if not own:
                found.append(np.full(len(tokens), -1))
                continue
            starts, ends, numbers = (np.array(column) for column in zip(*own, strict=True))
            lasts = np.array([end - 1 for _, end in tokens])  # of each token's characters
            places = np.searchsorted(starts, lasts, side="right") - 1
            within = [
                place >= 0 and last < ends[-1] and end > start
                for place, last, (start, end) in zip(places, lasts, tokens, strict=True)
            ]
            found.append(np.where(within, numbers[places], -1))
        return found
