"""How large a module is."""

from __future__ import annotations

from torch import nn


def num_parameters(module: nn.Module) -> int:
    """Numbers that a module holds as parameters, shared ones once."""
    return sum(parameter.numel() for parameter in module.parameters())
