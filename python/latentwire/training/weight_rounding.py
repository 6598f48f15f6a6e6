"""Train weights for the few bits in which they will be stored."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Literal

import torch
from torch import Tensor, nn

from latentwire.storage import dequantize_matrix, is_quantizable, quantize_matrix


class WeightRounding:
    """Context in which the matrices of modules hold their stored values.

    The forward and backward pass see rounded weights; on leaving, the full-precision ones are back
    and the optimizer updates those (straight-through estimator).
    """

    def __init__(self, modules: Iterable[nn.Module], bits: Literal[4, 8]) -> None:
        self.bits: Literal[4, 8] = bits
        self.parameters = [
            parameter
            for module in modules
            for parameter in module.parameters()
            if parameter.requires_grad and is_quantizable(parameter, bits)
        ]
        self.kept: list[Tensor] = []

    @torch.no_grad()
    def __enter__(self) -> None:
        self.kept = [parameter.data for parameter in self.parameters]
        for parameter in self.parameters:
            parameter.data = dequantize_matrix(*quantize_matrix(parameter.data, self.bits))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for parameter, kept in zip(self.parameters, self.kept, strict=True):
            parameter.data = kept
