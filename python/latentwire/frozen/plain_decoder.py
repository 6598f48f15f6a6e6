"""The blocks of a decoder, one after another, without what the library wraps around them.

Around each pass the library builds masks, looks for a cache and gathers what was asked for: of a
small model and a single sentence that is a fifth to a quarter of the time. The blocks are the
library's own, so what comes out is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor

_FAMILIES = {"LlamaModel", "MistralModel", "Qwen2Model", "Qwen3Model"}
"""Backbones that are embedding, rotary positions, blocks and a norm, and nothing else."""


def is_plain(backbone: Any) -> bool:
    """Whether ``run_blocks`` may stand for a backbone's own pass here and now.

    Not where gradients are wanted (blocks may be computed again), where something watches or has
    replaced the pass (hooks, several devices, shards), or where the family is another. Attention
    that is not ``sdpa`` may need a mask to see nothing that comes after.
    """
    return (
        not torch.is_grad_enabled()
        and type(backbone).__name__ in _FAMILIES
        and backbone.config._attn_implementation == "sdpa"
        and "forward" not in vars(backbone)
        and not backbone._forward_hooks
        and not backbone._forward_pre_hooks
    )


def run_blocks(
    backbone: Any,
    embeddings: Tensor,
    positions: Tensor,
    mask: Tensor | None,
    wanted: Collection[int],
) -> dict[int, Tensor]:
    """States by number: 0 is the embedding, the last has passed the closing normalization.

    Args:
        backbone: One that ``is_plain``, whose blocks all attend in the same way.
        embeddings: [B, T, d].
        positions: int64 [1, T] or [B, T].
        mask: bool [B, 1, T, T], what each entry attends to; None: all up to itself.
        wanted: Which states; blocks above the highest are not run.

    Returns:
        Each wanted state [B, T, d].
    """
    states, count = embeddings, len(backbone.layers)
    found = {0: states}
    rotary = backbone.rotary_emb(states, position_ids=positions)
    for number, block in enumerate(backbone.layers, start=1):
        if number > max(wanted):
            break
        states = block(
            states, attention_mask=mask, position_ids=positions, position_embeddings=rotary
        )
        if number in wanted:
            found[number] = backbone.norm(states) if number == count else states
    return {number: found[number] for number in wanted}
