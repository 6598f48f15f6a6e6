"""A prompt: begin token, message, what is asked; the message as soft tokens or as keys and values.

Both kinds of prefix stand at the same positions. Soft tokens are run with the rest. A key/value
prefix is not run: it is put into the cache of every layer, behind that of the begin token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import DynamicCache

from latentwire.frozen.forward import forward, positions_of
from latentwire.transfer import to_device

if TYPE_CHECKING:
    from latentwire.frozen.model import FrozenModel

KEY_VALUE_RANK = 6
"""Dimensions of a key/value prefix [L, 2, B, H, P, D]; soft tokens [B, P, d] have three."""


def batch_size(prefix: Tensor) -> int:
    """Rows B of a prefix of either kind."""
    return prefix.shape[2 if prefix.ndim == KEY_VALUE_RANK else 0]


def rows_of(prefix: Tensor, rows: Sequence[int]) -> Tensor:
    """Some rows of a prefix of either kind."""
    chosen = to_device(torch.tensor(list(rows), dtype=torch.long), prefix.device)
    return prefix[:, :, chosen] if prefix.ndim == KEY_VALUE_RANK else prefix[chosen]


def padding_of(mask: Tensor | None) -> Tensor | None:
    """A mask bool [B, P], or None if nothing is padded: the fast way. Waits for the device."""
    return None if mask is None or bool(mask.all()) else mask


@dataclass
class Prompt:
    """What a frozen model is still to read, and what its cache holds already.

    Attributes:
        embeddings: Input embeddings [B, Q, d] that are to be run.
        real: bool [B, K], the last Q of them those of ``embeddings``; None where nothing is padded
            but at the right end.
        cache: Keys and values of the first K - Q entries; None if nothing is cached.
    """

    frozen: FrozenModel
    embeddings: Tensor
    real: Tensor | None
    cache: Any

    @classmethod
    def build(
        cls,
        frozen: FrozenModel,
        prefix: Tensor,
        mask: Tensor | None,
        following: Tensor,
        *,
        keeps_cache: bool = False,
    ) -> Prompt:
        """Lay out a prompt.

        Args:
            frozen: The model that reads it.
            prefix: Soft tokens [B, P, d], or keys without rotary position and values
                [L, 2, B, H, P, D]. P may be 0.
            mask: bool [B, P], False on padding, which may be anywhere and changes nothing; None:
                there is none.
            following: Ids int64 [B, W] after the prefix, right-padded if at all.
            keeps_cache: Whether the prompt will be continued.

        Raises:
            UsageError: If a key/value prefix is not of this model's geometry.
        """
        batch = batch_size(prefix)
        begin = frozen.begin
        embeddings = frozen.embed(following)
        num_cached, cache = 0, DynamicCache() if keeps_cache else None
        real = None
        if mask is not None:
            real = mask.new_ones(batch, len(begin) + mask.shape[1] + following.shape[1])
            real[:, len(begin) : len(begin) + mask.shape[1]] = mask
        if prefix.ndim == KEY_VALUE_RANK:
            num_cached = len(begin) + prefix.shape[4]
            if len(begin):
                first = frozen.begin_key_values.expand(-1, -1, batch, -1, -1, -1)
                prefix = torch.cat([first.to(prefix.device), prefix.float()], dim=4)
            positions = (
                torch.arange(num_cached, device=prefix.device).expand(batch, -1)
                if real is None
                else positions_of(real[:, :num_cached])
            )
            if num_cached:
                cache = frozen.key_values.cache(prefix, positions, grows=keeps_cache)
        else:
            start = frozen.begin_embeddings.expand(batch, -1, -1)
            embeddings = torch.cat([start, prefix.to(start.dtype), embeddings], dim=1)
        return cls(frozen, embeddings, real, cache)

    def run(self, *, visible: Tensor | None = None, positions: Tensor | None = None) -> Tensor:
        """Last hidden states [B, Q, d] of the embeddings; see ``forward``."""
        return forward(
            self.frozen,
            self.embeddings,
            self.real,
            cache=self.cache,
            visible=visible,
            positions=positions,
        )

    def append(self, ids: Tensor) -> None:
        """Continue by ids int64 [B, 1], after a run with a cache that was kept."""
        if self.real is not None:
            self.real = torch.cat([self.real, self.real.new_ones(len(ids), 1)], dim=1)
        self.embeddings = self.frozen.embed(ids)
