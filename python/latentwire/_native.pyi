"""The native module: conversions between Python objects and the crate's packets."""

from typing import Any, Final, Self, final

import numpy as np
from numpy.typing import NDArray

from latentwire.errors import WireError

__all__ = [
    "DEFAULT_LIMITS",
    "FORMAT_VERSION",
    "Dictionary",
    "Encryptor",
    "EntropyTables",
    "Packet",
    "PacketEncoder",
    "PacketReader",
    "SealKey",
    "Sealer",
    "StreamIndex",
    "Verifier",
    "VerifyKey",
    "__version__",
    "check_literals",
    "decode_answer_space",
    "decode_literals",
    "decode_many",
    "decode_metadata",
    "decode_text",
    "decode_trace",
    "decrypt",
    "digest",
    "encode",
    "encode_choices",
    "encode_free_text",
    "encode_literals",
    "encode_many",
    "encode_metadata",
    "encode_schema",
    "encode_text",
    "encode_trace",
    "message_id",
    "quantize_roundtrip",
    "truncate_sealed",
]

_Model = tuple[bytes, str, str]
_Limits = tuple[int, int, int, int, int]
_Array = NDArray[np.float32] | NDArray[np.uint16]

_Header = tuple[bytes, _Model, _Model | None, tuple[bytes, str]]
"""Message id, sender, receiver, space."""
_Options = tuple[str, str, int, bool, str, int]
"""Encoding, who shares a scale, size of a group, asymmetric, compression, level of zstd."""
_Route = tuple[
    int,
    bytes,
    _Model,
    _Model | None,
    tuple[bytes, str],
    bytes | None,
    bytes | None,
    bytes | None,
]
"""Id, message prefix, sender, receiver, space; codebook, dictionary, tables."""
_Lossless = tuple[list[EntropyTables], list[Dictionary]]
_Resources = tuple[_Route | None, _Lossless]
_Tensor = NDArray[np.float32] | tuple[NDArray[np.uint16], bytes, int]
"""Numbers, or codes with their codebook and its size."""
_Literal = tuple[str, int, str]
"""Kind, position, text."""
_Value = None | bool | int | float | str | bytes

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
    lossless: _Lossless,
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
    lossless: _Lossless,
    threads: int | None,
) -> list[bytes]: ...
def decode_many(
    packets: list[bytes], *, limits: _Limits, lossless: _Lossless, threads: int | None
) -> list[NDArray[np.float32]]: ...
def quantize_roundtrip(latents: NDArray[np.float32], encoding: str) -> NDArray[np.float32]: ...
def encode_literals(tuples: list[_Literal]) -> bytes: ...
def decode_literals(body: bytes, offset: int, limits: _Limits) -> list[_Literal]: ...
def check_literals(tuples: list[_Literal], source: str) -> None: ...
def encode_text(text: str, level: int | None) -> bytes: ...
def decode_text(body: bytes, offset: int, limits: _Limits) -> str: ...
def encode_choices(choices: list[str]) -> bytes: ...
def encode_schema(schema: str) -> bytes: ...
def encode_free_text(max_tokens: int) -> bytes: ...
def decode_answer_space(body: bytes, offset: int, limits: _Limits) -> list[str] | str | int: ...
def encode_metadata(entries: dict[str, _Value]) -> bytes: ...
def decode_metadata(body: bytes, offset: int, limits: _Limits) -> dict[str, _Value]: ...
def encode_trace(trace_id: bytes, parent_id: bytes, flags: int, state: str) -> bytes: ...
def decode_trace(body: bytes, offset: int, limits: _Limits) -> tuple[bytes, bytes, int, str]: ...

@final
class EntropyTables:
    @staticmethod
    def fit(latents: NDArray[np.float32], options: _Options, axis: str) -> EntropyTables: ...
    @staticmethod
    def from_bytes(data: bytes) -> EntropyTables: ...
    def to_bytes(self) -> bytes: ...
    @property
    def fingerprint(self) -> bytes: ...
    @property
    def alphabet(self) -> int: ...
    @property
    def axis(self) -> str: ...

@final
class Dictionary:
    def __new__(cls, data: bytes) -> Self: ...
    def to_bytes(self) -> bytes: ...
    @property
    def fingerprint(self) -> bytes: ...

@final
class PacketEncoder:
    def __new__(
        cls,
        *,
        sender: _Model,
        receiver: _Model | None,
        space: tuple[bytes, str],
        options: _Options,
        lossless: _Lossless,
        route: _Route | None,
        number: int,
    ) -> Self: ...
    def encode(self, latents: NDArray[np.float32]) -> bytes: ...

@final
class SealKey:
    def __new__(cls, algorithm: str, id: bytes, key: bytes) -> Self: ...
    def verify_key(self) -> VerifyKey: ...

@final
class VerifyKey:
    def __new__(cls, algorithm: str, id: bytes, key: bytes) -> Self: ...
    def public_bytes(self) -> bytes | None: ...

@final
class Sealer:
    def __new__(cls, key: SealKey) -> Self: ...
    @property
    def session(self) -> bytes: ...
    def seal(self, packet: bytes, route: _Route | None) -> bytes: ...

@final
class Verifier:
    def __new__(
        cls, keys: list[VerifyKey], max_sessions: int | None, expecting_sessions: bool
    ) -> Self: ...
    def expect(self, key_id: bytes, session: bytes) -> None: ...
    def verify(
        self, packet: bytes, route: _Route | None, limits: _Limits
    ) -> tuple[str, bytes, bytes, int, bool]: ...

@final
class Encryptor:
    def __new__(cls, id: bytes, key: bytes) -> Self: ...
    def encrypt(self, packet: bytes) -> bytes: ...

def decrypt(packet: bytes, id: bytes, key: bytes, limits: _Limits) -> bytes: ...
def digest(packet: bytes, resources: _Resources, limits: _Limits) -> bytes: ...
def truncate_sealed(packet: bytes, rows: int) -> bytes: ...

@final
class Packet:
    @staticmethod
    def parse(data: bytes, limits: _Limits) -> Packet: ...
    def decode(
        self, resources: _Resources, limits: _Limits
    ) -> list[tuple[str, _Array, tuple[bytes, int] | None]]: ...
    def truncate(self, rows: int, resources: _Resources, limits: _Limits) -> bytes: ...
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

_Damage = tuple[int, int, bool, WireError]
"""First byte, one past the last byte, whether torn, what was found."""

@final
class PacketReader:
    def __new__(cls, file: Any, limits: _Limits, recover: bool) -> PacketReader: ...
    def next_part(self) -> tuple[int, bytes | None, _Damage | None] | None: ...

@final
class StreamIndex:
    def __new__(cls) -> StreamIndex: ...
    @staticmethod
    def max_bytes(stream_bytes: int) -> int: ...
    @staticmethod
    def from_bytes(data: bytes) -> StreamIndex: ...
    def to_bytes(self) -> bytes: ...
    def __len__(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def gaps(self) -> list[tuple[int, int]]: ...
    def place(self, number: int) -> tuple[int, int]: ...
    def message_id(self, number: int) -> bytes | int | None: ...
    def find(self, id: bytes | int, start: int) -> int | None: ...
    def check(self, file: Any, all: bool) -> None: ...
    def check_packet(self, number: int, data: bytes, limits: _Limits) -> None: ...
    def extended(self, file: Any, limits: _Limits) -> tuple[StreamIndex, _Damage | None]: ...
    def push(self, data: bytes) -> None: ...
    def truncate(self, number: int) -> None: ...
