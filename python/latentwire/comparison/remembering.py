"""A frozen sender that remembers what it made of texts: many encoders read the same test rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from latentwire.frozen import FrozenModel


class RememberingModel(FrozenModel):
    """Computes the states of a batch of texts and a layer once; they stay in memory."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._remembered: dict[Any, tuple[Tensor, Tensor]] = {}

    def hidden_states(
        self, texts: Sequence[str], layer: int | Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """See ``FrozenModel.hidden_states``; what is given must not be changed."""
        key = (tuple(texts), layer if isinstance(layer, int) else tuple(layer))
        if key not in self._remembered:
            self._remembered[key] = super().hidden_states(texts, layer)
        return self._remembered[key]
