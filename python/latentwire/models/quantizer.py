"""Quantization in the loop: training sees the latents that the wire will deliver."""

from __future__ import annotations

import torch
from torch import Tensor

from latentwire.message import Encoding, quantize_roundtrip

_SCALE_BITS = -0x2000
"""What a scale keeps of a float32's bits: 11 of its significand."""


def through_the_wire(latents: Tensor, encoding: Encoding) -> Tensor:
    """Latents [B, k, d] as the receiver decodes them; gradients pass straight through.

    The rounding is done by the codec that writes packets, so what is trained is what is sent
    (straight-through estimator, https://arxiv.org/abs/1308.3432).
    """
    if encoding == "f32":
        return latents
    sent = latents.detach().float()
    if encoding == "int8" and sent.device.type == "cuda":
        # A GPU would stand still for the way to the processor and back, longer than a small
        # model's whole forward pass takes.
        received = round_to_int8(sent)
    else:
        found = quantize_roundtrip(sent.cpu().contiguous().numpy(), encoding)
        received = torch.from_numpy(found).to(latents.device)
    return latents + (received - latents.detach())


def round_to_int8(latents: Tensor) -> Tensor:
    """What the codec's int8 makes of latents float32 [..., d], bit by bit, on any device.

    What is not finite is not refused but spreads.
    """
    largest = latents.abs().amax(-1, keepdim=True)
    # By a tensor: on a GPU a division by a number is a multiplication by its rounded inverse.
    scale = largest / torch.full_like(largest, 127)
    above = ((scale.view(torch.int32) + ~_SCALE_BITS) & _SCALE_BITS).view(torch.float32)
    scale = torch.where(scale < torch.finfo(torch.float32).tiny, 0, above)
    inverse = torch.where(scale == 0, 0, 1 / scale)
    return (latents * inverse).round() * scale + 0.0  # no negative zeros
