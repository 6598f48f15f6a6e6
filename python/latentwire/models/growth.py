"""Weights of a former module in one of the same kind that may have grown since."""

from __future__ import annotations

from torch import nn

from latentwire.models.byte_encoder import ByteEncoder
from latentwire.models.hidden_state_encoder import HiddenStateEncoder


def take_over(module: nn.Module, former: nn.Module) -> None:
    """Give a module the weights of a former one; what only the module has says nothing at first.

    Raises:
        ValueError: If they are of different kinds, or differ in more than what their kind grows by.
    """
    same_kind = type(former) is type(module)
    if same_kind and isinstance(module, ByteEncoder | HiddenStateEncoder):
        module.grow_from(former)  # type: ignore[arg-type]
        return
    found, wanted = (getattr(each, "config", None) for each in (former, module))
    if not same_kind or found != wanted:
        raise ValueError(f"{wanted} cannot take over {found}")
    module.load_state_dict(former.state_dict())
