"""What a host serves: one frozen model as a sender, a receiver or both, loaded once."""

from __future__ import annotations

from typing import Literal

from latentwire.catalog import BYTES, locate_model
from latentwire.checkpoint import shipped_parts
from latentwire.device import check_device
from latentwire.errors import UsageError
from latentwire.frozen.model import FrozenModel
from latentwire.receiver import Receiver
from latentwire.sender import Sender

Role = Literal["auto", "sender", "receiver", "both"]


def load_roles(
    model: str,
    role: Role = "auto",
    *,
    encoder: str | None = None,
    adapter: str | None = None,
    device: str | None = None,
) -> tuple[Sender | None, Receiver | None]:
    """Load a model's sender and receiver, sharing the frozen weights.

    Args:
        model: A shipped name, a folder, or a hub name.
        role: ``auto`` serves whatever there is a trained part for: given, or shipped.
        encoder: Folder of a trained encoder; default: the shipped one.
        adapter: Folder of a trained adapter; default: the shipped one.
        device: Where to run; default: the CPU.

    Raises:
        ModelNotFoundError: If the model, or a part that the role needs, is unknown.
        CheckpointError: If a part's files are missing, damaged, or of another model.
        UsageError: If there is nothing to serve, the role is not one for the model, or there is no
            such device.
    """
    check_device(device)
    if model != BYTES:
        locate_model(model)
    has_encoder = encoder is not None or model in shipped_parts("encoder")
    has_adapter = adapter is not None or model in shipped_parts("adapter")
    sends = role in ("sender", "both") or (role == "auto" and has_encoder)
    receives = role in ("receiver", "both") or (role == "auto" and has_adapter)
    if not (sends or receives):
        raise UsageError(
            f"no trained part is shipped for {model!r}: it can neither send nor receive",
            hint="give --encoder FOLDER or --adapter FOLDER, or train one with latentwire train",
        )
    if receives:
        locate_model(model)  # bytes, which only sends, is none
    frozen = None
    if sends and receives:
        frozen = FrozenModel.load(model, device=device)
    sender = (
        Sender.from_pretrained(model, encoder=encoder, device=device, frozen=frozen)
        if sends
        else None
    )
    receiver = (
        Receiver.from_pretrained(model, adapter=adapter, device=device, frozen=frozen)
        if receives
        else None
    )
    return sender, receiver
