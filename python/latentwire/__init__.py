"""Latent messages between frozen language models of different families.

    import latentwire as lw

    sender = lw.Sender.from_pretrained("tiny-llama")
    packet = sender.encode("a gorgeous, witty, seductive movie")
    with lw.connect("127.0.0.1:50051") as host:
        answer = host.ask(packet, choices=["negative", "positive"])

Importing this package loads neither torch nor grpc: what needs them is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from latentwire import errors
from latentwire.answer import Answer
from latentwire.errors import LatentwireError, WireError
from latentwire.message import Limits, Message, ModelRef, Packet, SpaceRef, __version__

if TYPE_CHECKING:
    from latentwire.exchange import Host, connect
    from latentwire.receiver import Receiver
    from latentwire.sender import Sender
    from latentwire.stream import StreamWriter, open_stream, read_stream

_LAZY = {
    "Host": "latentwire.exchange",
    "Receiver": "latentwire.receiver",
    "Sender": "latentwire.sender",
    "StreamWriter": "latentwire.stream",
    "connect": "latentwire.exchange",
    "open_stream": "latentwire.stream",
    "read_stream": "latentwire.stream",
}

__all__ = [
    "Answer",
    "Host",
    "LatentwireError",
    "Limits",
    "Message",
    "ModelRef",
    "Packet",
    "Receiver",
    "Sender",
    "SpaceRef",
    "StreamWriter",
    "WireError",
    "__version__",
    "connect",
    "errors",
    "open_stream",
    "read_stream",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
