"""A frozen model's keys and values: read out, measured, and put back as a prefix.

A key/value prefix is one tensor [L, 2, B, H, T, D]: layers, key and value, rows, key/value heads,
entries, width of a head. Its keys are without rotary position. They are turned when the cache is
built, to the positions that the entries then have, so one prefix is right behind any begin token
and beside any padding; and without positions a key has a mean that is worth measuring.
In models with absolute positions (GPT-2) the position is a part of what a key says, and stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import DynamicCache

from latentwire.errors import UsageError
from latentwire.frozen.forward import check_reads_prefixes, forward, positions_of
from latentwire.frozen.rotary import rotate
from latentwire.moments import Moments

if TYPE_CHECKING:
    from latentwire.frozen.model import FrozenModel


class FixedCache(DynamicCache):
    """A cache that every pass finds as it was: layers may be run again in the backward pass."""

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """What a layer attends to: what is kept, then its own, which is not kept."""
        kept: Any = self.layers[layer_idx]
        keys = torch.cat([kept.keys, key_states], dim=-2)
        return keys, torch.cat([kept.values, value_states], dim=-2)


_PROBE_TOKENS = 4
_BATCH = 32


class KeyValues:
    """The keys and values of one frozen causal model.

    Attributes:
        num_layers: L.
        num_heads: H, key/value heads.
        head_dim: D.

    Raises:
        UsageError: If the model has no keys and values of one shape, or its rotary embedding is
            not of a kind that can be taken off.
    """

    def __init__(self, frozen: FrozenModel) -> None:
        check_reads_prefixes(frozen)
        self.frozen = frozen
        probe = torch.zeros(1, _PROBE_TOKENS, dtype=torch.long, device=frozen.device)
        try:
            found = self.read(probe, torch.ones_like(probe, dtype=torch.bool))
        except (RuntimeError, TypeError) as error:
            raise UsageError(
                f"{frozen.name} cannot take a key/value prefix: {str(error).splitlines()[0]}",
                hint="use soft tokens for this model",
            ) from error
        self.num_layers, _, _, self.num_heads, _, self.head_dim = found.shape
        self._check_positions(found[0, 0, 0])

    def read(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Keys and values of ids int64 [B, T], mask bool [B, T]: float32 [L, 2, B, H, T, D]."""
        # Ordinary tensors also within inference mode: what is kept may stand in a training step.
        with torch.inference_mode(False), torch.no_grad():
            cache = DynamicCache()
            forward(self.frozen, self.frozen.embed(ids), mask, cache=cache)
            layers: list[Any] = list(cache.layers)
            keys = torch.stack([layer.keys for layer in layers]).float()
            values = torch.stack([layer.values for layer in layers]).float()
            keys = rotate(self.frozen, keys, positions_of(mask), inverse=True)
            return torch.stack([keys, values], dim=1)

    def cache(self, key_values: Tensor, positions: Tensor, *, grows: bool = False) -> DynamicCache:
        """A cache that holds a prefix [L, 2, B, H, T, D] at positions int64 [B, T].

        Args:
            key_values: The prefix.
            positions: Where its entries stand.
            grows: Whether it keeps what is run after it.

        Raises:
            UsageError: If the prefix is of another geometry.
        """
        layers, _, _, heads, _, width = key_values.shape
        self.check_geometry(layers, heads, width)
        keys = rotate(self.frozen, key_values[:, 0].float(), positions).to(self.frozen.dtype)
        values = key_values[:, 1].to(self.frozen.dtype)
        kept = list(zip(keys.unbind(0), values.unbind(0), strict=True))
        return DynamicCache(kept) if grows else FixedCache(kept)

    def check_geometry(self, num_layers: int, num_heads: int, head_dim: int) -> None:
        """Refuse what was made for another model.

        Raises:
            UsageError: If a number differs.
        """
        expected = (self.num_layers, self.num_heads, self.head_dim)
        if (num_layers, num_heads, head_dim) != expected:
            raise UsageError(
                f"{self.frozen.name} has {expected[0]} layers of {expected[1]} key/value heads of "
                f"width {expected[2]}; the prefix has {num_layers} of {num_heads} of {head_dim}",
                hint="use the adapter that was trained for this model",
            )

    def statistics(self, texts: Iterable[str]) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the keys and values of texts, float32 [L, 2, H, D] each.

        The begin token is read, not measured: its keys are unlike all others
        (https://arxiv.org/abs/2309.17453).
        """
        moments, rows = Moments(), self.frozen.tokenize(list(texts))
        begin = self.frozen.begin
        for start in range(0, len(rows), _BATCH):
            ids, mask = self.frozen.pad([begin + row for row in rows[start : start + _BATCH]])
            found = self.read(ids, mask)[..., len(begin) :, :]
            real = mask[:, len(begin) :]
            moments.add(found.permute(2, 4, 0, 1, 3, 5)[real])  # [N, L, 2, H, D]
        return moments.mean, moments.deviation

    def _check_positions(self, keys: Tensor) -> None:
        """Keys [H, T, D] of the first layer, for one token again and again, must be one key."""
        spread = (keys - keys[:, :1]).abs().amax()
        has_rotary = getattr(self.frozen.backbone, "rotary_emb", None) is not None
        norms = keys.norm(dim=-1)
        is_turned = bool((norms - norms[:, :1]).abs().amax() <= 0.02 * norms.amax())
        if bool(spread > 0.05 * keys.abs().amax()) and (has_rotary or is_turned):
            raise UsageError(
                f"{self.frozen.name} cannot take a key/value prefix: its rotary embedding is of an "
                f"unknown kind ({self.frozen.config.model_type})",
                hint="use soft tokens for this model",
            )


def read_texts(frozen: FrozenModel, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Keys and values of texts without their begin token, as a prefix of the same model.

    Returns:
        float32 [L, 2, B, H, T, D] and mask bool [B, T], right-padded.
    """
    begin = frozen.begin
    ids, mask = frozen.pad([begin + row for row in frozen.tokenize(texts)])
    return frozen.key_values.read(ids, mask)[..., len(begin) :, :], mask[:, len(begin) :]
