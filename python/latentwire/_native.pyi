"""The native module: conversions between Python objects and the crate's packets."""

from typing import Final, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DEFAULT_LIMITS",
    "FORMAT_VERSION",
    "Packet",
    "__version__",
    "encode",
    "message_id",
    "quantize_roundtrip",
]

_Model = tuple[bytes, str, str]
_Limits = tuple[int, int, int, int]

__version__: Final[str]
FORMAT_VERSION: Final[tuple[int, int]]
DEFAULT_LIMITS: Final[_Limits]

def message_id(unix_nanoseconds: int, random: int) -> bytes: ...
def encode(
    latents: NDArray[np.float32],
    *,
    message_id: bytes,
    sender: _Model,
    receiver: _Model | None,
    space: tuple[bytes, str],
    sections: list[tuple[int, bytes]],
    encoding: str,
    level: int | None,
) -> bytes: ...
def quantize_roundtrip(latents: NDArray[np.float32], encoding: str) -> NDArray[np.float32]: ...

@final
class Packet:
    @staticmethod
    def parse(data: bytes, limits: _Limits) -> Packet: ...
    def decode(self, limits: _Limits) -> NDArray[np.float32]: ...
    @property
    def data(self) -> bytes: ...
    @property
    def version(self) -> tuple[int, int]: ...
    @property
    def message_id(self) -> bytes: ...
    @property
    def sender(self) -> _Model: ...
    @property
    def receiver(self) -> _Model | None: ...
    @property
    def space(self) -> tuple[bytes, str]: ...
    @property
    def encoding(self) -> str: ...
    @property
    def compression(self) -> str: ...
    @property
    def shape(self) -> list[int]: ...
    @property
    def payload(self) -> tuple[int, int]: ...
    @property
    def sections(self) -> list[tuple[int, bool, int, int]]: ...
