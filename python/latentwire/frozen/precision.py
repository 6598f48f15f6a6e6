"""Where bfloat16 is worth it: on GPUs, and on processors that compute in it."""

from __future__ import annotations

import torch


def fast_autocast(device: torch.device) -> torch.autocast:
    """bfloat16 autocast where the hardware computes in bfloat16, else an inert context.

    A processor without AVX512_BF16 or AMX emulates it: training a tiny model was 14 times slower
    under autocast than in float32 on one (AVX2 only).
    """
    fast = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=bool(fast))
