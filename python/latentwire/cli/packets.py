"""``latentwire encode``, ``decode`` and ``truncate``: packets as files and in pipes."""

from __future__ import annotations

import io
from typing import Annotated, Any, cast

import typer

from latentwire.cli.console import (
    STDIO,
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
    from latentwire.sender import Sender
    from latentwire.text import check_text

    content = the_text(text, file)
    check_text(content)  # before a model is loaded for it
    resources = read_resources(tables, dictionary)
    sender = Sender.from_pretrained(model, encoder=encoder, device=device)
    packet = sender.encode(
        content,
        k=k,
        encoding=encoding,
        scales=int(scales) if scales.isdecimal() else cast(Any, scales),
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
    rows: Annotated[int, typer.Option("--k", help="Rows of each tensor to keep.", min=1)],
    output: Annotated[str, typer.Option("--output", "-o", help="File; - for stdout.")] = STDIO,
    tables: TableFiles = None,
    dictionary: DictionaryFiles = None,
) -> None:
    """Cut a packet to its first latents, without decoding and quantizing the rest again."""
    from latentwire.message import Packet

    resources = read_resources(tables, dictionary)
    packet = Packet.from_bytes(read_bytes(file)).truncate(rows, resources=resources)
    write_bytes(output, bytes(packet))
