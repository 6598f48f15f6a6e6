"""What people send tensors with today: one small class each, written the way its users write it."""

# ruff: noqa: D102 - what the methods do is said once, by `Codec`

from __future__ import annotations

import base64
import io
import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwire.benchmark.codec import Codec

__all__ = [
    "PEERS",
    "ArrowTensor",
    "Avp",
    "AvpZstd",
    "Msgpack",
    "NumpyInt8Zstd",
    "Pickle",
    "Protobuf",
    "Safetensors",
    "TorchSaveBase64",
    "TorchSaveBase64Bf16",
]


class Safetensors(Codec):
    """One tensor by its name; no checksum."""

    name = "safetensors f16"
    needs = ("safetensors",)

    def __init__(self) -> None:
        import safetensors.numpy

        self._module = safetensors.numpy

    def encode(self, prepared: Any) -> bytes:
        return self._module.save({"latents": prepared})

    def decode(self, data: bytes) -> Any:
        return self._module.load(data)["latents"]


class Pickle(Codec):
    """Protocol 5. Reading it runs whatever the sender likes."""

    name = "pickle f16"

    def encode(self, prepared: Any) -> bytes:
        return pickle.dumps(prepared, protocol=5)

    def decode(self, data: bytes) -> Any:
        return pickle.loads(data)  # noqa: S301 - our own bytes


class Msgpack(Codec):
    """Shape, type and the bytes of the array: the copy that everything else is held against."""

    name = "msgpack f16"
    needs = ("msgpack",)

    def __init__(self) -> None:
        import msgpack

        self._module = msgpack

    def encode(self, prepared: Any) -> bytes:
        # `tobytes`, because msgpack takes four times as long over the array's buffer.
        packed: bytes = self._module.packb((prepared.shape, "<f2", prepared.tobytes()))
        return packed

    def decode(self, data: bytes) -> Any:
        shape, dtype, numbers = self._module.unpackb(data)
        return np.frombuffer(numbers, dtype).reshape(shape)


class Protobuf(Codec):
    """A message of shape, type and bytes, built at run time; generated code is no faster."""

    name = "protobuf f16"
    needs = ("google.protobuf",)

    def __init__(self) -> None:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

        field = descriptor_pb2.FieldDescriptorProto
        file = descriptor_pb2.FileDescriptorProto(
            name="latentwire_benchmark.proto", package="latentwire_benchmark", syntax="proto3"
        )
        tensor = file.message_type.add(name="Tensor")
        tensor.field.add(name="shape", number=1, type=field.TYPE_UINT32, label=field.LABEL_REPEATED)
        tensor.field.add(name="dtype", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
        tensor.field.add(name="data", number=3, type=field.TYPE_BYTES, label=field.LABEL_OPTIONAL)
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        found = pool.FindMessageTypeByName("latentwire_benchmark.Tensor")
        self._tensor: Any = message_factory.GetMessageClass(found)

    def encode(self, prepared: Any) -> bytes:
        tensor = self._tensor(shape=prepared.shape, dtype="<f2", data=prepared.tobytes())
        written: bytes = tensor.SerializeToString()
        return written

    def decode(self, data: bytes) -> Any:
        tensor = self._tensor.FromString(data)
        return np.frombuffer(tensor.data, tensor.dtype).reshape(tensor.shape)


class ArrowTensor(Codec):
    """An Arrow IPC tensor message; the result is Arrow's own buffer, not copied to ``bytes``."""

    name = "arrow ipc tensor f16"
    needs = ("pyarrow",)

    def __init__(self) -> None:
        import pyarrow as pa
        import pyarrow.ipc

        self._module = pa

    def encode(self, prepared: Any) -> Any:
        sink = self._module.BufferOutputStream()
        self._module.ipc.write_tensor(self._module.Tensor.from_numpy(prepared), sink)
        return sink.getvalue()

    def decode(self, data: Any) -> Any:
        return self._module.ipc.read_tensor(self._module.BufferReader(data)).to_numpy()


class Avp(Codec):
    """The codec of the ``avp`` package: protobuf metadata, a CRC-32 of the tensor."""

    name = "avp f16"
    needs = ("avp",)
    level = "NONE"

    def __init__(self) -> None:
        import avp

        self._module = avp
        self._level = avp.CompressionLevel[self.level]

    def encode(self, prepared: Any) -> bytes:
        avp = self._module
        metadata = avp.AVPMetadata(
            session_id="0123456789abcdef",
            source_agent_id="tiny-llama",
            target_agent_id="tiny-qwen",
            model_id="tiny-llama",
            hidden_dim=prepared.shape[-1],
            payload_type=avp.PayloadType.HIDDEN_STATE,
            dtype=avp.DataType.FLOAT16,
            tensor_shape=prepared.shape,
            mode=avp.CommunicationMode.LATENT,
        )
        written: bytes = avp.encode(prepared.tobytes(), metadata, self._level)
        return written

    def decode(self, data: bytes) -> Any:
        message = self._module.decode(data)
        return np.frombuffer(message.payload, np.float16).reshape(message.metadata.tensor_shape)


class AvpZstd(Avp):
    """The same with its fastest zstd level."""

    name = "avp f16 zstd"
    level = "FAST"


class NumpyInt8Zstd(Codec):
    """What one writes by hand: a scale a row, int8 codes, zstd at level 1. No header, no checks."""

    name = "numpy int8 zstd-1"
    needs = ("zstandard",)
    tolerance = 1e-2

    def __init__(self) -> None:
        import zstandard

        self._compress = zstandard.ZstdCompressor(level=1).compress
        self._decompress = zstandard.ZstdDecompressor().decompress

    def prepare(self, latents: NDArray[np.float32]) -> Any:
        self._shape = latents.shape
        return latents

    def encode(self, prepared: Any) -> bytes:
        scales = np.abs(prepared).max(axis=1, keepdims=True) / np.float32(127)
        codes = np.rint(prepared / scales).astype(np.int8)
        return self._compress(scales.tobytes() + codes.tobytes())

    def decode(self, data: bytes) -> Any:
        raw = self._decompress(data)
        num_rows = self._shape[0]
        scales = np.frombuffer(raw, np.float32, num_rows).reshape(num_rows, 1)
        return np.frombuffer(raw, np.int8, offset=4 * num_rows).reshape(self._shape) * scales


class TorchSaveBase64(Codec):
    """What vLLM and Dynamo take as prompt embeddings: ``torch.save`` in base64 text."""

    name = "torch.save base64 f16"
    needs = ("torch",)
    dtype = "float16"

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self._module = torch

    def prepare(self, latents: NDArray[np.float32]) -> Any:
        return self._module.from_numpy(latents).to(getattr(self._module, self.dtype))

    def encode(self, prepared: Any) -> bytes:
        buffer = io.BytesIO()
        self._module.save(prepared, buffer)
        return base64.b64encode(buffer.getvalue())

    def decode(self, data: bytes) -> Any:
        return self._module.load(
            io.BytesIO(base64.b64decode(data, validate=True)), weights_only=True
        )

    def restore(self, decoded: Any) -> NDArray[np.float32]:
        restored: NDArray[np.float32] = decoded.float().numpy()
        return restored


class TorchSaveBase64Bf16(TorchSaveBase64):
    """The same in the type that models of today compute in."""

    name = "torch.save base64 bf16"
    dtype = "bfloat16"
    tolerance = 1e-2


PEERS: tuple[type[Codec], ...] = (
    Safetensors,
    Pickle,
    Msgpack,
    Protobuf,
    ArrowTensor,
    Avp,
    AvpZstd,
    NumpyInt8Zstd,
    TorchSaveBase64,
)
