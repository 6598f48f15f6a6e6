"""``latentwire encode``, ``decode`` and ``truncate``: packets as files and in pipes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentwire.cli.console import (
    STDIO,
    check_output,
    print_json,
    read_bytes,
    read_resources,
    the_text,
    write_bytes,
)
from latentwire.cli.options import (
    Asymmetric,
    Compression,
    Device,
    DictionaryFiles,
    EncoderFolder,
    Encoding,
    LatentCount,
    PacketFile,
    ScaleSharing,
    SenderModel,
    TableFiles,
    Text,
)
from latentwire.cli.packet_view import describe, plain
from latentwire.errors import UsageError

if TYPE_CHECKING:
    from latentwire.message import Compression as Stage
    from latentwire.message import Encoding as Payload
    from latentwire.message import Scales
    from latentwire.resources import Resources


def check_form(
    k: int | None,
    encoding: Payload,
    scales: Scales,
    asymmetric: bool,
    compression: Stage,
    resources: Resources,
) -> None:
    """Refuse a form in which no packet is written; what the model allows is found with the model.

    Raises:
        UsageError: If k is less than 1.
        InvalidMessageError: If there is no such form, or the lossless stage lacks what it needs.
    """
    from latentwire.forms import ZSTD_LEVEL, form_tuple

    if k is not None and k < 1:
        raise UsageError(f"--k must be at least 1, not {k}")
    form_tuple(encoding, scales, asymmetric, compression, ZSTD_LEVEL, resources)


def encode(
    file: Annotated[str | None, typer.Argument(help="A UTF-8 text file; - for stdin.")] = None,
    text: Text = None,
    model: SenderModel = "tiny-llama",
    encoder: EncoderFolder = None,
    output: Annotated[str, typer.Option("--output", "-o", help="File; - for stdout.")] = STDIO,
    k: LatentCount = None,
    encoding: Encoding = "int8",
    scales: ScaleSharing = "row",
    asymmetric: Asymmetric = False,
    compression: Compression = "none",
    tables: TableFiles = None,
    dictionary: DictionaryFiles = None,
    device: Device = None,
) -> None:
    """Encode a text as a packet."""
    from latentwire.text import check_text

    content = the_text(text, file)
    check_text(content)
    check_output(output)
    resources = read_resources(tables, dictionary)
    shared: Any = int(scales) if scales.isdecimal() else scales
    check_form(k, encoding, shared, asymmetric, compression, resources)
    # Whatever is wrong with the request was found before torch and a model are loaded.
    from latentwire.sender import Sender

    sender = Sender.from_pretrained(model, encoder=encoder, device=device)
    packet = sender.encode(
        content,
        k=k,
        encoding=encoding,
        scales=shared,
        asymmetric=asymmetric,
        compression=compression,
        resources=resources,
    )
    write_bytes(output, bytes(packet))


def decode(
    file: PacketFile,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", help="Write the latents as a .npy file instead; several as .npz."
        ),
    ] = None,
    tables: TableFiles = None,
    dictionary: DictionaryFiles = None,
) -> None:
    """Decode a packet to its header and latents, as JSON; or its latents as a NumPy file."""
    import numpy as np

    from latentwire.message import Packet

    packet = Packet.from_bytes(read_bytes(file))
    decoded = packet.tensors_by_name(resources=read_resources(tables, dictionary))
    tensors = {name: plain(tensor) for name, tensor in decoded.items()}
    first, *others = tensors.values()
    if output is not None:
        buffer = io.BytesIO()
        if others:
            np.savez(buffer, **{name or "latents": array for name, array in tensors.items()})
        else:
            np.save(buffer, first, allow_pickle=False)
        write_bytes(output, buffer.getvalue())
        return
    more = {"tensors": {name: array.tolist() for name, array in tensors.items()}} if others else {}
    print_json({**describe(packet), "latents": first.tolist(), **more})


def truncate(
    file: PacketFile,
    rows: Annotated[int, typer.Option("--k", help="Rows of each tensor to keep at most.", min=1)],
    output: Annotated[str, typer.Option("--output", "-o", help="File; - for stdout.")] = STDIO,
    tables: TableFiles = None,
    dictionary: DictionaryFiles = None,
) -> None:
    """Cut a packet to its first latents, without decoding and quantizing the rest again.

    A tensor that has no more rows is kept whole.
    """
    from latentwire.message import Packet

    resources = read_resources(tables, dictionary)
    packet = Packet.from_bytes(read_bytes(file)).truncate(rows, resources=resources)
    write_bytes(output, bytes(packet))
