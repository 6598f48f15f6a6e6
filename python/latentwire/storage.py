"""Weights on disk: safetensors with matrices in 8 or 4 bits, everything else in float16.

A matrix ``name`` [rows, columns] is stored either

* in 8 bits: ``name.int8`` int8 [rows, columns] and ``name.scale`` float16 [rows], or
* in 4 bits: ``name.int4`` uint8 [rows, columns / 2] (even column in the low half, values offset
  by 8) and ``name.scale`` float16 [rows, columns / 32], one scale per 32 columns.

Symmetric absolute-maximum quantization; no pickles anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from latentwire.durable import whole_file
from latentwire.errors import CheckpointError

Bits = Literal[4, 8, 16]
GROUP = 32  # columns that share a scale in 4 bits
_FORMAT = "latentwire-weights"


def quantize_matrix(matrix: Tensor, bits: Literal[4, 8]) -> tuple[Tensor, Tensor]:
    """Quantize [rows, columns] to integers of the same shape and float16 scales.

    Returns:
        Integers as int8 [rows, columns] and scales [rows] (8 bits) or [rows, columns / 32].
    """
    matrix = matrix.detach().float()
    rows, columns = matrix.shape
    if bits == 8:
        scale = (matrix.abs().amax(1) / 127).to(torch.float16)
        divisor = scale.float().clamp_min(1e-12)[:, None]
        return (matrix / divisor).round().clamp(-127, 127).to(torch.int8), scale
    groups = matrix.view(rows, columns // GROUP, GROUP)
    scale = (groups.abs().amax(2) / 7).to(torch.float16)
    divisor = scale.float().clamp_min(1e-12)[:, :, None]
    return (groups / divisor).round().clamp(-7, 7).to(torch.int8).view(rows, columns), scale


def dequantize_matrix(integers: Tensor, scale: Tensor) -> Tensor:
    """Inverse of ``quantize_matrix``: float32 [rows, columns]."""
    rows, columns = integers.shape
    if scale.ndim == 1:
        return integers.float() * scale.float()[:, None]
    groups = integers.view(rows, columns // GROUP, GROUP).float() * scale.float()[:, :, None]
    return groups.view(rows, columns)


def save_weights(
    tensors: Mapping[str, Tensor],
    path: str | os.PathLike[str],
    *,
    bits: Bits,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors to ``path``; the old file stays until the new one is whole.

    Matrices with fewer than 4,096 elements, or whose columns do not divide into groups of 32 in
    4 bits, and all tensors of other ranks are kept in float16.

    Raises:
        DiskFullError: If there is no room.
    """
    stored: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        value = tensor.detach().cpu()
        if not value.is_floating_point():
            stored[name] = value.contiguous()
        elif bits == 16 or not is_quantizable(value, bits):
            stored[name] = value.to(torch.float16).contiguous()
        else:
            integers, scale = quantize_matrix(value, bits)
            stored[f"{name}.scale"] = scale
            if bits == 8:
                stored[f"{name}.int8"] = integers
            else:
                nibbles = (integers + 8).to(torch.uint8)
                stored[f"{name}.int4"] = (nibbles[:, 0::2] | (nibbles[:, 1::2] << 4)).contiguous()
    with whole_file(Path(path)) as partial:
        save_file(stored, partial, metadata={"format": _FORMAT, **(metadata or {})})


def is_quantizable(tensor: Tensor, bits: int) -> bool:
    """Whether ``save_weights`` stores this tensor as integers."""
    return (
        tensor.ndim == 2 and tensor.numel() >= 4096 and (bits != 4 or tensor.shape[1] % GROUP == 0)
    )


def is_quantized_file(path: str | os.PathLike[str]) -> bool:
    """Whether a safetensors file was written by ``save_weights``."""
    with safe_open(os.fspath(path), "pt") as file:
        return (file.metadata() or {}).get("format") == _FORMAT


def load_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read what ``save_weights`` wrote, as float32 (integer tensors keep their dtype).

    Raises:
        CheckpointError: If the file is missing or is not such a file.
    """
    target = Path(path)
    if not target.is_file():
        raise CheckpointError(
            f"checkpoint folder {target.parent} has no file {target.name}",
            hint="point at the folder that training wrote, or train the part again",
        )
    try:
        with safe_open(os.fspath(target), "pt") as file:
            raw = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{target} is not a readable safetensors file: {error}") from error
    tensors: dict[str, Tensor] = {}
    for name, value in raw.items():
        if name.endswith(".scale"):
            continue
        base, _, kind = name.rpartition(".")
        if kind == "int8":
            tensors[base] = dequantize_matrix(value, raw[f"{base}.scale"])
        elif kind == "int4":
            rows, half = value.shape
            integers = torch.empty(rows, half * 2, dtype=torch.int8)
            integers[:, 0::2] = (value & 15).to(torch.int8) - 8
            integers[:, 1::2] = (value >> 4).to(torch.int8) - 8
            tensors[base] = dequantize_matrix(integers, raw[f"{base}.scale"])
        else:
            tensors[name] = value.float() if value.is_floating_point() else value
    return tensors
