"""Stop a model at the layer whose states are wanted: the layers above it are not paid for."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from torch import Tensor, nn


class _Reached(Exception):  # noqa: N818 - not an error: how a forward pass is left early
    """The block was reached; its input is what was wanted."""

    def __init__(self, states: Tensor) -> None:
        super().__init__()
        self.states = states


def states_before_block(
    backbone: nn.Module, num_layers: int, index: int, inputs: dict[str, Any]
) -> Tensor | None:
    """What block ``index`` is given when the backbone runs: hidden state number ``index``.

    Args:
        backbone: A Transformer without its head.
        num_layers: How many blocks it has.
        index: Which block to stop before, from 0.
        inputs: Keyword arguments of the backbone.

    Returns:
        States [B, T, d]; None if there is no such block. That includes ``index == num_layers``: in
        many families the last hidden state has passed the closing normalization.
    """
    blocks = _blocks(backbone, num_layers)
    if blocks is None or index >= num_layers:
        return None

    def leave(_block: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        states = arguments[0] if arguments else named.get("hidden_states")
        if isinstance(states, Tensor):
            raise _Reached(states)

    hook = blocks[index].register_forward_pre_hook(leave, with_kwargs=True)
    try:
        backbone(**inputs)
    except _Reached as reached:
        return reached.states
    finally:
        hook.remove()
    return None


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
