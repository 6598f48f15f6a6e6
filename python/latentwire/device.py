"""Where models run: which devices this machine has, and a refusal of those that it has not."""

from __future__ import annotations

from latentwire.errors import UsageError


def available_devices() -> list[str]:
    """Names of the devices that a model can run on here: the CPU first, then each accelerator."""
    import torch

    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is None:
        return ["cpu"]
    count = torch.accelerator.device_count()
    return ["cpu", *(f"{accelerator.type}:{index}" for index in range(count))]


def check_device(device: str | None) -> None:
    """Refuse a device that is not here, before anything is loaded for it.

    Args:
        device: What a caller asked for, e.g. ``"cuda"`` or ``"cuda:1"``; None, or an empty name,
            is the CPU.

    Raises:
        UsageError: If torch knows no such device, or this machine has none.
    """
    if not device:
        return
    import torch

    there = available_devices()
    try:
        wanted = torch.device(device)
    except (RuntimeError, ValueError):  # ValueError: a name that is not Unicode
        found = False
    else:
        # Without an index it is the first of its kind.
        found = str(wanted) in {"cpu:0", *there, *(name.partition(":")[0] for name in there)}
    if not found:
        raise UsageError(
            f"there is no device {str(device)!r} here: expected {' or '.join(there)}",
            hint="give one of these, or none for the CPU",
        )
