"""Tensors from the processor to where they are computed with."""

from __future__ import annotations

import torch
from torch import Tensor


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the processor on a device.

    From ordinary memory a copy waits until a GPU has done all that it was given; from pinned memory
    it is queued with the rest, and Python goes on. That memory is reused after the copy only.
    """
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
