"""Quantization in the loop: training sees the latents that the wire will deliver."""

from __future__ import annotations

import torch
from torch import Tensor

from latentwire.message import Encoding, quantize_roundtrip


def through_the_wire(latents: Tensor, encoding: Encoding) -> Tensor:
    """Latents [B, k, d] as the receiver decodes them; gradients pass straight through.

    The rounding is done by the codec that writes packets, so what is trained is what is sent
    (straight-through estimator, https://arxiv.org/abs/1308.3432).
    """
    if encoding == "f32":
        return latents
    sent = latents.detach().float().cpu().contiguous()
    received = torch.from_numpy(quantize_roundtrip(sent.numpy(), encoding))
    return latents + (received.to(latents.device) - latents.detach())
