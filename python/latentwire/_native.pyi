"""The native module: conversions between Python objects and the crate's packets."""

from typing import Final, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DEFAULT_LIMITS",
    "FORMAT_VERSION",
    "Packet",
    "__version__",
    "decode_many",
    "encode",
    "encode_many",
    "message_id",
    "quantize_roundtrip",
]

_Model = tuple[bytes, str, str]
_Limits = tuple[int, int, int, int]
_Array = NDArray[np.float32] | NDArray[np.uint16]

_Header = tuple[bytes, _Model, _Model | None, tuple[bytes, str]]
"""Message id, sender, receiver, space."""
_Options = tuple[str, str, int, bool, int | None]
"""Encoding, who shares a scale, size of a group, asymmetric, level of zstd."""
_Route = tuple[int, bytes, _Model, _Model | None, tuple[bytes, str], bytes | None]
"""Id, message prefix, sender, receiver, space, codebook."""
_Tensor = NDArray[np.float32] | tuple[NDArray[np.uint16], bytes, int]
"""Numbers, or codes with their codebook and its size."""

__version__: Final[str]
FORMAT_VERSION: Final[tuple[int, int]]
DEFAULT_LIMITS: Final[_Limits]

def message_id(unix_nanoseconds: int, random: int) -> bytes: ...
def encode(
    tensors: list[tuple[str, _Tensor]],
    *,
    message_id: bytes,
    sender: _Model,
    receiver: _Model | None,
    space: tuple[bytes, str],
    sections: list[tuple[int, bytes]],
    options: _Options,
    route: _Route | None,
) -> bytes: ...
def encode_many(
    latents: NDArray[np.float32],
    *,
    message_ids: list[bytes],
    sender: _Model,
    receiver: _Model | None,
    space: tuple[bytes, str],
    options: _Options,
    threads: int | None,
) -> list[bytes]: ...
def decode_many(
    packets: list[bytes], *, limits: _Limits, threads: int | None
) -> list[NDArray[np.float32]]: ...
def quantize_roundtrip(latents: NDArray[np.float32], encoding: str) -> NDArray[np.float32]: ...

@final
class Packet:
    @staticmethod
    def parse(data: bytes, limits: _Limits) -> Packet: ...
    def decode(self, limits: _Limits) -> list[tuple[str, _Array, tuple[bytes, int] | None]]: ...
    def truncate(self, rows: int, limits: _Limits) -> bytes: ...
    def to_compact(self, route: _Route) -> bytes: ...
    def to_self_contained(self, route: _Route) -> bytes: ...
    @property
    def data(self) -> bytes: ...
    @property
    def version(self) -> tuple[int, int]: ...
    @property
    def header(self) -> _Header | None: ...
    @property
    def route(self) -> tuple[int, int] | None: ...
    @property
    def tensors(
        self,
    ) -> list[tuple[str, list[int], str, str, tuple[str, str, int, bool] | None, int, int]]: ...
    @property
    def sections(self) -> list[tuple[int, bool, int, int]]: ...
