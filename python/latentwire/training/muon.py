"""Muon that orthogonalizes in the precision that the hardware is fast in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from latentwire.frozen.precision import computes_in_bfloat16


class Muon(torch.optim.Muon):
    """``torch.optim.Muon`` (https://kellerjordan.github.io/posts/muon/) with another arithmetic.

    The library's own runs the Newton-Schulz iteration in bfloat16, matrix by matrix. A processor
    that emulates bfloat16 spends 29 times as long on it as in float32 (192 x 512, one thread),
    more than on all the rest of a step. Here the iteration runs in bfloat16 only where the
    hardware computes in it, and on all matrices of one shape at once. Learning rates follow the
    library's ``match_rms_adamw``, so one rate serves this optimizer and AdamW.

    Args:
        params: Matrices.
        lr: Learning rate.
        weight_decay: Times the learning rate, what a matrix loses in a step.
        in_float32: Whether the iteration runs in float32 on any hardware.
    """

    def __init__(
        self, params: Any, *, lr: float, weight_decay: float, in_float32: bool = False
    ) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
        self._in_float32 = in_float32

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every matrix that has a gradient."""
        result = None
        if closure is not None:
            with torch.enable_grad():
                result = closure()
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape].append(parameter)
            for shape, parameters in by_shape.items():
                gradients = [p.grad for p in parameters if p.grad is not None]
                for parameter in parameters:
                    state = self.state[parameter]
                    if "momentum_buffer" not in state:
                        state["momentum_buffer"] = torch.zeros_like(parameter)
                momenta = [self.state[parameter]["momentum_buffer"] for parameter in parameters]
                # All at once: on a GPU that is one kernel where there were as many as matrices.
                torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
                updates = torch._foreach_lerp(gradients, momenta, group["momentum"])
                is_fast = not self._in_float32 and computes_in_bfloat16(parameters[0].device)
                directions = orthogonalize(
                    torch.stack(updates).to(torch.bfloat16 if is_fast else torch.float32),
                    group["ns_coefficients"],
                    group["ns_steps"],
                    group["eps"],
                )
                rate = group["lr"] * 0.2 * max(shape) ** 0.5
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                changes = directions.to(parameters[0].dtype).unbind()
                torch._foreach_add_(parameters, changes, alpha=-rate)
        return result


def orthogonalize(
    matrices: Tensor, coefficients: tuple[float, float, float], num_steps: int, eps: float
) -> Tensor:
    """Nearest semi-orthogonal matrices, roughly, of [N, A, B], by Newton-Schulz iteration.

    In the dtype of the matrices.
    """
    a, b, c = coefficients
    x = matrices
    is_tall = x.shape[-2] > x.shape[-1]
    if is_tall:
        x = x.mT
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp_min(eps)
    for _ in range(num_steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if is_tall else x
