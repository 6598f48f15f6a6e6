"""``latentwire inspect`` and ``diff``: look at one packet, or at what differs between two."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from latentwire.cli.console import STDIO, print_json, read_bytes, read_resources
from latentwire.cli.options import DictionaryFiles, Json, PacketFile, TableFiles
from latentwire.cli.packet_view import (
    compare_sections,
    describe,
    describe_seal,
    lines,
    plain,
    section_line,
    statistics,
)
from latentwire.errors import UnsupportedFeatureError, UsageError


def inspect(
    file: PacketFile,
    tables: TableFiles = None,
    dictionary: DictionaryFiles = None,
    json: Json = False,
) -> None:
    """Show what a packet says and where its bytes go.

    Latents that need tables, a dictionary or a route which are not here are shown without values.
    """
    from latentwire.message import Packet
    from latentwire.trust import digest

    packet = Packet.from_bytes(read_bytes(file))
    resources = read_resources(tables, dictionary)
    description = describe(packet)
    description["seal"] = describe_seal(packet)
    description["undecoded"] = description["digest"] = None
    found: dict[str, Any] = {}
    try:
        for name, tensor in packet.tensors_by_name(resources=resources).items():
            found[name] = statistics(plain(tensor))
        # Of a compact packet only its route knows whose content it is.
        if packet.route is None:
            description["digest"] = digest(packet, resources=resources).hex()
    except UnsupportedFeatureError as error:
        if error.id not in ("latents.resource", "header.route"):
            raise
        description["undecoded"] = str(error)
    if json:
        description["statistics"] = next(iter(found.values()), None)
        for tensor in description["tensors"]:
            tensor["statistics"] = found.get(tensor["name"])
        print_json(description)
        return
    description["statistics"] = found
    for line in lines(description):
        typer.echo(line)


def diff(
    first: PacketFile,
    second: Annotated[str, typer.Argument(help="Another packet.")],
    tables: TableFiles = None,
    dictionary: DictionaryFiles = None,
    json: Json = False,
) -> None:
    """Compare two packets: what their headers and sections say, and how far their latents are off.

    Rows that only one of them has are not compared: a packet can be held against its first rows.
    Exits with 0 also where the packets differ: --json says whether they are equal.
    """
    from latentwire.message import Packet

    if first == second == STDIO:
        raise UsageError("only one of the two packets can come from stdin", hint="give a file")
    packets = [Packet.from_bytes(read_bytes(name)) for name in (first, second)]
    resources = read_resources(tables, dictionary)
    report: dict[str, Any] = {
        "equal": packets[0] == packets[1],
        "bytes": [len(packet) for packet in packets],
        "differing": _differing(*map(_described, packets)),
        "sections": compare_sections(*packets),
        "tensors": _compare(*(packet.tensors_by_name(resources=resources) for packet in packets)),
    }
    if json:
        print_json(report)
        return
    if report["equal"]:
        typer.echo(f"equal, {len(packets[0]):,} bytes")
        return
    sizes: list[int] = report["bytes"]
    rows = [("bytes", f"{sizes[0]:,} and {sizes[1]:,}")]
    rows += [
        (name, f"{_short(values[0])} and {_short(values[1])}")
        for name, values in report["differing"].items()
    ]
    rows += [(f"section {part['name']}", section_line(part)) for part in report["sections"]]
    if not report["differing"] and not report["sections"]:
        pairs = enumerate(zip(*map(bytes, packets), strict=False))
        first_byte = next((place for place, (one, other) in pairs if one != other), min(sizes))
        rows.append(("header", f"the same is said in other bytes, from byte {first_byte:,} on"))
    for name, found in report["tensors"].items():
        label = f"{name or 'latents'}"
        if "cosine" in found:
            rows.append(
                (
                    label,
                    f"{found['rows']:,} rows compared: cosine {found['cosine']:.6f}, error "
                    f"{found['mean_error']:.2g} on average, {found['largest_error']:.2g} at most",
                )
            )
        else:
            rows.append((label, found["reason"]))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        typer.echo(f"{name:<{width}}  {value}")


_COMPARED = (
    "version", "route", "message_id", "sender", "receiver", "space",
    "encoding", "compression", "scales", "shape",
)  # fmt: skip


def _described(packet: Any) -> dict[str, Any]:
    """What a packet says of itself and of its first tensor."""
    description = describe(packet)
    return {**description, "scales": description["tensors"][0]["scales"]}


def _differing(first: dict[str, Any], second: dict[str, Any]) -> dict[str, list[Any]]:
    """What two descriptions say differently, by name."""
    return {name: [first[name], second[name]] for name in _COMPARED if first[name] != second[name]}


def _compare(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """For every name of a tensor how far the two are off, or why that cannot be said."""
    import numpy as np

    found: dict[str, dict[str, Any]] = {}
    for name in list(dict.fromkeys([*ours, *theirs])):
        if name not in ours or name not in theirs:
            which = "first" if name in ours else "second"
            found[name] = {"reason": f"only in the {which} packet"}
            continue
        a, b = plain(ours[name]), plain(theirs[name])
        if a.shape[1:] != b.shape[1:] or (a.ndim == 1 and a.shape != b.shape):
            found[name] = {"reason": f"shapes {list(a.shape)} and {list(b.shape)}"}
            continue
        rows = min(len(a), len(b))
        x, y = (array[:rows].astype(np.float64).ravel() for array in (a, b))
        norms = float(np.linalg.norm(x) * np.linalg.norm(y))
        error = np.abs(x - y)
        found[name] = {
            "rows": rows,
            "cosine": float(x @ y) / norms if norms else float(np.array_equal(x, y)),
            "mean_error": float(error.mean()),
            "largest_error": float(error.max()),
        }
    return found


def _short(value: Any) -> str:
    """A value of a description in a few words."""
    if isinstance(value, dict) and "name" in value:
        return f"{value['name']} {value['fingerprint'][:12]}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return str(value) if value is not None else "none"
