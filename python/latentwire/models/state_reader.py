"""How hidden states of a frozen model enter a trained part: normalized, several layers mixed."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from latentwire.models.normalizer import StatisticalNormalizer
from latentwire.models.whitening import Whitening

Normalization = Literal["standardize", "whiten"]


class StateReader(nn.Module):
    """Normalizes states by the sender's statistics and mixes layers by learned shares.

    Every layer has statistics of its own, so that the loudest is not the only one heard. The shares
    are a softmax of one weight per layer (https://arxiv.org/abs/1802.05365), equal at first.

    Args:
        hidden_size: Width d of the sender's states.
        layer: The layer that is read, or those that are mixed.
        normalization: ``standardize`` each dimension, or ``whiten`` them together.
    """

    def __init__(
        self, hidden_size: int, layer: int | tuple[int, ...], normalization: Normalization
    ) -> None:
        super().__init__()
        self._num_layers = None if isinstance(layer, int) else len(layer)
        self.normalizer: StatisticalNormalizer | Whitening
        if normalization == "whiten":
            self.normalizer = Whitening(self._num_layers or 1, hidden_size)
        elif self._num_layers is None:
            self.normalizer = StatisticalNormalizer(hidden_size)
        else:
            self.normalizer = StatisticalNormalizer(self._num_layers, hidden_size)
        if self._num_layers is not None:
            self.mix = nn.Parameter(torch.zeros(self._num_layers))

    def read(self, states: Tensor) -> Tensor:
        """[B, T, d], or [B, T, n, d] of n layers -> [B, T, d]."""
        if self._num_layers is None:
            if isinstance(self.normalizer, Whitening):
                return self.normalizer(states.unsqueeze(-2)).squeeze(-2)  # type: ignore[no-any-return]
            normal: Tensor = self.normalizer(states)
            return normal
        return torch.einsum("btnd,n->btd", self.normalizer(states), self.mix.softmax(0))

    def read_side_by_side(self, states: Tensor) -> Tensor:
        """[B, T, d], or [B, T, n, d] of n layers -> [B, T, d] or [B, T, n * d], not mixed."""
        if self._num_layers is None:
            return self.read(states)
        normal: Tensor = self.normalizer(states)
        return normal.flatten(2)
