"""One pass of a frozen causal model over embeddings, with any padding, cache and visibility.

Attention masks are built here from what is visible and from positions, not by the library: a
sliding window then counts positions of real tokens, so padding never shortens what a token sees.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers.modeling_layers import GradientCheckpointingLayer

from latentwire.errors import UsageError
from latentwire.frozen.plain_decoder import is_plain, run_blocks

if TYPE_CHECKING:
    from latentwire.frozen.model import FrozenModel

FULL, SLIDING = "full_attention", "sliding_attention"


def forward(
    frozen: FrozenModel,
    embeddings: Tensor,
    real: Tensor | None = None,
    *,
    cache: Any = None,
    visible: Tensor | None = None,
    positions: Tensor | None = None,
) -> Tensor:
    """Last hidden states of embeddings that stand after what the cache holds.

    Args:
        frozen: A causal model.
        embeddings: Input embeddings [B, Q, d].
        real: bool [B, K], False on padding; the last Q of the K entries are the embeddings, those
            before them are in the cache. None: there is no padding but at the right end, where
            what is seen hides it; that is the fast way.
        cache: The model's key/value cache of K - Q entries, which grows by Q; None: there is none.
        visible: bool [B, Q, K], or [1, Q, K] alike for all, what each embedding attends to, itself
            at least; default: what is real and before it. A sliding window is applied on top.
        positions: int64 [B, K] or [1, K], to go with ``visible``; default: the number of real
            entries before each.

    Returns:
        [B, Q, d], in the model's dtype.
    """
    arguments: dict[str, Any] = {"inputs_embeds": embeddings, "use_cache": cache is not None}
    if cache is not None:
        arguments[cache_argument(frozen.backbone)] = cache
    batch, length = embeddings.shape[:2]
    if real is not None:
        positions = positions_of(real) if positions is None else positions
        visible = causal(real, length) if visible is None else visible
        # No row without a key: softmax over nothing is not a number. Nobody sees padding.
        own = torch.eye(real.shape[1], dtype=torch.bool, device=real.device)[-length:]
        visible = visible | own
    if visible is not None:
        assert positions is not None
        positions = positions.expand(batch, -1)
        visible = visible.expand(batch, -1, -1)
        own_positions, mask = positions[:, -length:], _mask(frozen, visible, positions)
        if cache is None and isinstance(mask, Tensor) and is_plain(frozen.backbone):
            last = len(frozen.backbone.layers)
            return run_blocks(frozen.backbone, embeddings, own_positions, mask, [last])[last]
        arguments["attention_mask"] = mask
        arguments["position_ids"] = own_positions
    with cache_reaches_layers(frozen.backbone) if cache is not None else nullcontext():
        states: Tensor = frozen.backbone(**arguments).last_hidden_state
    return states


@contextmanager
def cache_reaches_layers(backbone: Any) -> Iterator[None]:
    """Give layers that are recomputed in the backward pass the cache that they read.

    The library takes it away from them, since a cache that grows would grow twice: a message in it
    would silently not be heard. In training ours does not grow; without gradients nothing is
    recomputed.

    Raises:
        UsageError: If this version of the library has no way to leave the cache to them.
    """
    layers = [
        module
        for module in backbone.modules()
        if isinstance(module, GradientCheckpointingLayer)
        and module.training
        and module.gradient_checkpointing
    ]
    if layers and torch.is_grad_enabled():
        if not hasattr(GradientCheckpointingLayer, "_can_checkpoint_with_cache"):
            raise UsageError(
                "this version of transformers takes a key/value prefix away from layers that are "
                "recomputed",
                hint="upgrade transformers, or train without gradient checkpointing",
            )
        for layer in layers:
            layer._can_checkpoint_with_cache = True
        yield
        return
    for layer in layers:
        layer.training = False
    try:
        yield
    finally:
        for layer in layers:
            layer.training = True


def positions_of(real: Tensor) -> Tensor:
    """Position of each entry, int64 [B, K]: padding does not move what follows it."""
    return (real.long().cumsum(1) - 1).clamp_min(0)


def causal(real: Tensor, num_queries: int) -> Tensor:
    """What each of the last entries attends to, bool [B, Q, K]: real ones up to itself."""
    total = real.shape[1]
    columns = torch.arange(total, device=real.device)
    before = columns[None, :] <= columns[total - num_queries :, None]
    return before & real[:, None, :]


def cache_argument(model: Any) -> str:
    """Name under which a model's forward pass takes its key/value cache.

    transformers 5.24 renamed ``past_key_values`` to ``cache``; models of both ages are loaded here.
    """
    is_renamed = "cache" in inspect.signature(model.forward).parameters
    return "cache" if is_renamed else "past_key_values"


def check_reads_prefixes(frozen: FrozenModel) -> None:
    """Refuse a model that cannot stand behind a message.

    Raises:
        UsageError: If it is no causal model, is recurrent (what it has read is not a row of
            entries that masks and positions apply to), or attends in a way that is not known here.
    """
    if not frozen.is_causal:
        raise UsageError(f"{frozen.name} cannot receive: it is not a causal language model")
    if getattr(frozen.model, "_is_stateful", False):
        raise UsageError(
            f"{frozen.name} cannot receive: a {frozen.model.config.model_type} model keeps a "
            f"recurrent state, not keys and values",
            hint="recurrent models can send; receive with a Transformer",
        )
    implementation = getattr(frozen.config, "_attn_implementation", None)
    if implementation != "sdpa":  # others take other masks, and some add them up unasked
        raise UsageError(
            f"{frozen.name} cannot receive: its attention is {implementation!r}, not 'sdpa'"
        )
    unknown = attention_kinds(frozen) - {FULL, SLIDING}
    if unknown:
        raise UsageError(
            f"{frozen.name} cannot receive: its layers of type {', '.join(sorted(unknown))} are "
            f"not supported"
        )


def attention_kinds(frozen: FrozenModel) -> set[str]:
    """Which kinds of attention the layers of a model have."""
    config = frozen.config
    kinds = getattr(config, "layer_types", None)
    if kinds:
        return set(kinds)
    return {SLIDING if getattr(config, "sliding_window", None) else FULL}


def _mask(frozen: FrozenModel, visible: Tensor, positions: Tensor) -> Tensor | dict[str, Tensor]:
    """The model's attention mask bool [B, 1, Q, K]; one for each kind of layer if there are two."""
    num_queries = visible.shape[1]
    masks = {}
    for kind in attention_kinds(frozen):
        seen = visible
        if kind == SLIDING:
            distance = positions[:, -num_queries:, None] - positions[:, None, :]
            seen = seen & (distance < int(frozen.config.sliding_window))
        masks[kind] = seen[:, None]
    return masks if len(masks) > 1 else next(iter(masks.values()))
