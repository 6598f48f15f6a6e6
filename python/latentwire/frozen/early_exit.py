"""Hidden states of chosen layers: others are not kept, and those above are not paid for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from latentwire.frozen.plain_decoder import is_plain, run_blocks


class _Reached(Exception):  # noqa: N818 - not an error: how a forward pass is left early
    """The highest block that is wanted was reached."""


def read_layers(
    backbone: Any,
    num_layers: int,
    layers: Sequence[int],
    inputs: dict[str, Any],
    *,
    is_padded: bool = True,
) -> list[Tensor]:
    """Hidden states by number: 0 is the embedding, ``num_layers`` the last.

    Args:
        backbone: A model without its head.
        num_layers: How many blocks it has.
        layers: Which states are wanted, each within 0..num_layers.
        inputs: Keyword arguments of the backbone, ``input_ids`` among them.
        is_padded: Whether a row may be shorter than the others.

    Returns:
        States [B, T, d] of each of ``layers``.
    """
    if not is_padded and is_plain(backbone):
        ids = inputs["input_ids"]
        window = getattr(backbone.config, "sliding_window", None)
        if window is None or ids.shape[1] <= window:  # so short a text is seen whole
            positions = torch.arange(ids.shape[1], device=ids.device)[None]
            passed = run_blocks(backbone, backbone.embed_tokens(ids), positions, None, layers)
            return [passed[layer] for layer in layers]
    blocks = _blocks(backbone, num_layers)
    found = None if blocks is None else _watch(backbone, blocks, layers, inputs)
    if found is None:  # blocks that are not found, or take their states in another way
        every = backbone(**inputs, output_hidden_states=True).hidden_states
        return [every[layer] for layer in layers]
    return [found[layer] for layer in layers]


def _watch(
    backbone: nn.Module, blocks: nn.ModuleList, layers: Sequence[int], inputs: dict[str, Any]
) -> dict[int, Tensor] | None:
    """States before blocks, as they pass; None if a block was given none."""
    found: dict[int, Tensor] = {}
    highest = max(layers)

    def watcher(number: int) -> Any:
        def keep(_block: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
            states = arguments[0] if arguments else named.get("hidden_states")
            if isinstance(states, Tensor):
                found[number] = states
            if number == highest:
                raise _Reached

        return keep

    hooks = [
        blocks[number].register_forward_pre_hook(watcher(number), with_kwargs=True)
        for number in set(layers)
        if number < len(blocks)
    ]
    try:
        # In many families the last state has passed the closing normalization: it is the output's.
        found[len(blocks)] = backbone(**inputs).last_hidden_state
    except _Reached:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    return found if found.keys() >= set(layers) else None


_found: WeakKeyDictionary[nn.Module, nn.ModuleList | None] = WeakKeyDictionary()
"""What was found once: looking through all modules takes as long as a small layer."""


def _blocks(backbone: nn.Module, num_layers: int) -> nn.ModuleList | None:
    """The list of a backbone's blocks; None if there is no such list, or more than one."""
    if backbone not in _found:
        lists = [
            module
            for module in backbone.modules()
            if isinstance(module, nn.ModuleList) and len(module) == num_layers
        ]
        _found[backbone] = lists[0] if len(lists) == 1 else None
    return _found[backbone]
