"""``latentwire encode``, ``decode`` and ``inspect``: packets as files and in pipes."""

from __future__ import annotations

import io
from typing import Annotated, Any

import typer

from latentwire.cli.console import STDIO, print_json, read_bytes, the_text, write_bytes
from latentwire.cli.options import (
    Compression,
    Device,
    EncoderFolder,
    Encoding,
    Json,
    LatentCount,
    SenderModel,
    Text,
)

PacketFile = Annotated[str, typer.Argument(help="A packet; - for stdin.")]
_BARS = " ▁▂▃▄▅▆▇█"


def encode(
    file: Annotated[str | None, typer.Argument(help="A UTF-8 text file; - for stdin.")] = None,
    text: Text = None,
    model: SenderModel = "tiny-llama",
    encoder: EncoderFolder = None,
    output: Annotated[str, typer.Option("--output", "-o", help="File; - for stdout.")] = STDIO,
    k: LatentCount = None,
    encoding: Encoding = "int8",
    compression: Compression = "none",
    device: Device = None,
) -> None:
    """Encode a text as a packet."""
    from latentwire.sender import Sender
    from latentwire.text import check_text

    content = the_text(text, file)
    check_text(content)  # before a model is loaded for it
    sender = Sender.from_pretrained(model, encoder=encoder, device=device)
    packet = sender.encode(content, k=k, encoding=encoding, compression=compression)
    write_bytes(output, bytes(packet))


def decode(
    file: PacketFile,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="Write the latents as a .npy file instead.")
    ] = None,
) -> None:
    """Decode a packet to its header and latents, as JSON; or its latents as a NumPy file."""
    import numpy as np

    from latentwire.message import Packet

    packet = Packet.from_bytes(read_bytes(file))
    latents = packet.decode().latents
    if output is not None:
        buffer = io.BytesIO()
        np.save(buffer, latents, allow_pickle=False)
        write_bytes(output, buffer.getvalue())
        return
    print_json({**_describe(packet), "latents": latents.tolist()})


def inspect(file: PacketFile, json: Json = False) -> None:
    """Show what a packet says and where its bytes go."""
    import numpy as np

    from latentwire.message import Packet

    packet = Packet.from_bytes(read_bytes(file))
    latents = packet.decode().latents
    counts, edges = np.histogram(latents, bins=24)
    description = _describe(packet)
    description["statistics"] = {
        "mean": float(latents.mean()),
        "deviation": float(latents.std()),
        "minimum": float(latents.min()),
        "maximum": float(latents.max()),
        "histogram": {"counts": counts.tolist(), "from": float(edges[0]), "to": float(edges[-1])},
    }
    if json:
        print_json(description)
    else:
        _show(description)


def _describe(packet: Any) -> dict[str, Any]:
    """Everything that a packet says beside its latents, as JSON values."""

    def model(ref: Any) -> dict[str, str] | None:
        if ref is None:
            return None
        return {
            "name": ref.name,
            "revision": ref.revision,
            "fingerprint": ref.fingerprint.hex(),
        }

    sections = [
        {
            "type": section.type,
            "critical": section.critical,
            "offset": section.offset,
            "length": section.length,
        }
        for section in packet.sections
    ]
    first = packet.sections[0]
    return {
        "version": ".".join(map(str, packet.version)),
        "message_id": packet.message_id.hex(),
        "sender": model(packet.sender),
        "receiver": model(packet.receiver),
        "space": {"name": packet.space.name, "fingerprint": packet.space.fingerprint.hex()},
        "encoding": packet.encoding,
        "compression": packet.compression,
        "shape": list(packet.shape),
        "bytes": {
            "packet": len(packet),
            "payload": packet.payload_length,
            "everything else": len(packet) - packet.payload_length,
            "preamble and header": first.offset,
        },
        "sections": sections,
    }


def _show(description: dict[str, Any]) -> None:
    """Print a description for a person."""
    sender, receiver, space = (description[key] for key in ("sender", "receiver", "space"))
    sizes, statistics = description["bytes"], description["statistics"]
    histogram = statistics["histogram"]
    top = max(histogram["counts"]) or 1
    bars = "".join(_BARS[round(count / top * (len(_BARS) - 1))] for count in histogram["counts"])
    shape = " x ".join(map(str, description["shape"]))
    rows = [
        ("format", f"version {description['version']}, checksum right"),
        ("message", description["message_id"]),
        ("sender", f"{sender['name']}  {sender['fingerprint'][:12]}"),
        (
            "receiver",
            f"{receiver['name']}  {receiver['fingerprint'][:12]}" if receiver else "anyone",
        ),
        ("space", f"{space['name']}  {space['fingerprint'][:12]}"),
        (
            "latents",
            f"{shape}, {description['encoding']}, compression {description['compression']}",
        ),
        (
            "bytes",
            f"{sizes['packet']:,}: payload {sizes['payload']:,}, "
            f"everything else {sizes['everything else']:,}",
        ),
        ("values", f"mean {statistics['mean']:+.3f}, deviation {statistics['deviation']:.3f}"),
        ("", f"{statistics['minimum']:+.2f} {bars} {statistics['maximum']:+.2f}"),
    ]
    for section in description["sections"]:
        kind = "critical" if section["critical"] else "ancillary"
        place = f"{section['length']:,} bytes at {section['offset']}"
        rows.append(("section", f"type {section['type']}, {kind}, {place}"))
    for name, value in rows:
        typer.echo(f"{name:<9} {value}".rstrip())
