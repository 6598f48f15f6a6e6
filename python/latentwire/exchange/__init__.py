"""Hosts and clients: packets over gRPC. Models are known by their verbs, packets as bytes.

A client needs no torch: the server's side is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from latentwire.exchange.client import Host, ask_jointly, connect

if TYPE_CHECKING:
    from latentwire.exchange.server import RunningHost, create_server

__all__ = ["Host", "RunningHost", "ask_jointly", "connect", "create_server"]


def __getattr__(name: str) -> Any:
    if name in ("RunningHost", "create_server"):
        return getattr(importlib.import_module("latentwire.exchange.server"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
