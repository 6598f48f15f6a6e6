from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DescribeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("model", "package_version", "format_version", "space", "encoder_fingerprint", "adapter_fingerprint")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_VERSION_FIELD_NUMBER: _ClassVar[int]
    FORMAT_VERSION_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    model: str
    package_version: str
    format_version: str
    space: LatentSpace
    encoder_fingerprint: bytes
    adapter_fingerprint: bytes
    def __init__(self, model: _Optional[str] = ..., package_version: _Optional[str] = ..., format_version: _Optional[str] = ..., space: _Optional[_Union[LatentSpace, _Mapping]] = ..., encoder_fingerprint: _Optional[bytes] = ..., adapter_fingerprint: _Optional[bytes] = ...) -> None: ...

class LatentSpace(_message.Message):
    __slots__ = ("name", "fingerprint", "num_latents", "latent_width")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    NUM_LATENTS_FIELD_NUMBER: _ClassVar[int]
    LATENT_WIDTH_FIELD_NUMBER: _ClassVar[int]
    name: str
    fingerprint: bytes
    num_latents: int
    latent_width: int
    def __init__(self, name: _Optional[str] = ..., fingerprint: _Optional[bytes] = ..., num_latents: _Optional[int] = ..., latent_width: _Optional[int] = ...) -> None: ...

class EncodeRequest(_message.Message):
    __slots__ = ("text", "num_latents", "encoding", "compression")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NUM_LATENTS_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    text: str
    num_latents: int
    encoding: str
    compression: str
    def __init__(self, text: _Optional[str] = ..., num_latents: _Optional[int] = ..., encoding: _Optional[str] = ..., compression: _Optional[str] = ...) -> None: ...

class EncodeResponse(_message.Message):
    __slots__ = ("packet",)
    PACKET_FIELD_NUMBER: _ClassVar[int]
    packet: bytes
    def __init__(self, packet: _Optional[bytes] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("text", "nothing", "packet")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NOTHING_FIELD_NUMBER: _ClassVar[int]
    PACKET_FIELD_NUMBER: _ClassVar[int]
    text: str
    nothing: Nothing
    packet: bytes
    def __init__(self, text: _Optional[str] = ..., nothing: _Optional[_Union[Nothing, _Mapping]] = ..., packet: _Optional[bytes] = ...) -> None: ...

class Nothing(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AskRequest(_message.Message):
    __slots__ = ("question", "choices", "source")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    question: str
    choices: _containers.RepeatedScalarFieldContainer[str]
    source: Source
    def __init__(self, question: _Optional[str] = ..., choices: _Optional[_Iterable[str]] = ..., source: _Optional[_Union[Source, _Mapping]] = ...) -> None: ...

class AskResponse(_message.Message):
    __slots__ = ("log_probabilities",)
    LOG_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    log_probabilities: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, log_probabilities: _Optional[_Iterable[float]] = ...) -> None: ...

class GenerateRequest(_message.Message):
    __slots__ = ("question", "max_new_tokens", "source")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    MAX_NEW_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    question: str
    max_new_tokens: int
    source: Source
    def __init__(self, question: _Optional[str] = ..., max_new_tokens: _Optional[int] = ..., source: _Optional[_Union[Source, _Mapping]] = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class ErrorDetail(_message.Message):
    __slots__ = ("kind", "message", "hint", "wire_id", "wire_offset")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    WIRE_ID_FIELD_NUMBER: _ClassVar[int]
    WIRE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    kind: str
    message: str
    hint: str
    wire_id: str
    wire_offset: int
    def __init__(self, kind: _Optional[str] = ..., message: _Optional[str] = ..., hint: _Optional[str] = ..., wire_id: _Optional[str] = ..., wire_offset: _Optional[int] = ...) -> None: ...
