"""What a packet says, as JSON values and as lines for a person."""

from __future__ import annotations

from collections import Counter
from typing import Any

_BARS = " ▁▂▃▄▅▆▇█"
_SECTIONS = {
    1: "latents",
    2: "literals",
    3: "text",
    4: "answer space",
    5: "metadata",
    6: "trace",
    7: "seal",
}
_BINS = 24


def plain(tensor: Any) -> Any:
    """The array of a tensor, be it numbers or codes."""
    from latentwire.message import Codes

    return tensor.codes if isinstance(tensor, Codes) else tensor


def describe(packet: Any) -> dict[str, Any]:
    """Everything that a packet says beside its latents, as JSON values.

    ``encoding``, ``compression`` and ``shape`` are those of the first tensor.
    """
    first, sizes = packet.tensors[0], packet.payload_length
    return {
        "version": ".".join(map(str, packet.version)),
        **_address(packet),
        "encoding": first.encoding,
        "compression": first.compression,
        "shape": list(first.shape),
        "tensors": [
            {
                "name": tensor.name,
                "shape": list(tensor.shape),
                "encoding": tensor.encoding,
                "compression": tensor.compression,
                "scales": None
                if tensor.scales is None
                else {
                    "width": tensor.scales.width,
                    "shared_by": tensor.scales.shared_by,
                    "asymmetric": tensor.scales.asymmetric,
                },
                "payload": {"offset": tensor.payload_offset, "length": tensor.payload_length},
            }
            for tensor in packet.tensors
        ],
        "bytes": {
            "packet": len(packet),
            "payload": sizes,
            "everything else": len(packet) - sizes,
            "preamble and header": packet.sections[0].offset,
        },
        "sections": [
            {
                "type": section.type,
                "name": _SECTIONS.get(section.type),
                "critical": section.critical,
                "offset": section.offset,
                "length": section.length,
            }
            for section in packet.sections
        ],
    }


def describe_seal(packet: Any) -> dict[str, Any] | None:
    """What the seal of a packet says, which is not verified, or why it cannot be read; None: none.

    A packet may be read as if its seal were not there, so a bad one is no error.
    """
    from latentwire.errors import WireError
    from latentwire.trust import Seal

    try:
        seal = Seal.of(packet)
    except WireError as error:
        return {"error": str(error)}
    if seal is None:
        return None
    return {
        "algorithm": seal.algorithm,
        "key_id": seal.key_id.hex(),
        "session": seal.session.hex(),
        "sequence": seal.sequence,
        "is_cut": seal.is_cut,
    }


def compare_sections(first: Any, second: Any) -> list[dict[str, Any]]:
    """The sections that two packets do not have alike, as JSON values.

    Sections of one type are held against each other in their order. Where they lie is no
    difference: one longer section moves all that follow.

    Returns:
        For each its type and name, its ``length`` and ``critical`` in both packets, null where a
        packet lacks it, and ``differing_bytes``, null unless both have it at the same length.
    """
    ours, theirs = _sections(first), _sections(second)
    found = []
    for key in dict.fromkeys([*ours, *theirs]):
        pair = (ours.get(key), theirs.get(key))
        if pair[0] == pair[1]:
            continue
        (one, one_body), (other, other_body) = ((None, b"") if p is None else p for p in pair)
        is_same_length = one is not None and other is not None and len(one_body) == len(other_body)
        found.append(
            {
                "type": key[0],
                "name": _SECTIONS.get(key[0], f"of type {key[0]}"),
                "length": [None if p is None else len(p[1]) for p in pair],
                "critical": [one, other],
                "differing_bytes": sum(map(int.__ne__, one_body, other_body))
                if is_same_length
                else None,
            }
        )
    return found


def _sections(packet: Any) -> dict[tuple[int, int], tuple[bool, bytes]]:
    """Whether a section is critical, and its body, by its type and its number among that type."""
    data, counts = bytes(packet), Counter[int]()
    found = {}
    for section in packet.sections:
        body = data[section.offset : section.offset + section.length]
        found[section.type, counts[section.type]] = (section.critical, body)
        counts[section.type] += 1
    return found


def section_line(part: dict[str, Any]) -> str:
    """What differs between two sections, for a person."""
    lengths = part["length"]
    if None in lengths:
        which, length = ("first", lengths[0]) if lengths[1] is None else ("second", lengths[1])
        return f"only in the {which} packet, {length:,} bytes"
    words = []
    if lengths[0] != lengths[1]:
        words.append(f"{lengths[0]:,} and {lengths[1]:,} bytes")
    elif part["differing_bytes"]:
        words.append(f"{part['differing_bytes']:,} of {lengths[0]:,} bytes differ")
    if part["critical"][0] != part["critical"][1]:
        kinds = ("critical" if is_critical else "ancillary" for is_critical in part["critical"])
        words.append(" and ".join(kinds))
    return ", ".join(words)


def statistics(array: Any) -> dict[str, Any]:
    """Mean, spread and histogram of an array, as JSON values."""
    import numpy as np

    array = array.astype(np.float64)  # neither squares nor distances of float32 overflow
    counts, edges = np.histogram(array, bins=_BINS)
    return {
        "mean": float(array.mean()),
        "deviation": float(array.std()),
        "minimum": float(array.min()),
        "maximum": float(array.max()),
        "histogram": {"counts": counts.tolist(), "from": float(edges[0]), "to": float(edges[-1])},
    }


def lines(description: dict[str, Any]) -> list[str]:
    """The description for a person; ``statistics`` in it are those of every decoded tensor."""
    sizes = description["bytes"]
    rows = [("format", f"version {description['version']}, checksum right")]
    if description["route"] is None:
        sender, receiver, space = (description[key] for key in ("sender", "receiver", "space"))
        rows += [
            ("message", description["message_id"]),
            ("sender", f"{sender['name']}  {sender['fingerprint'][:12]}"),
            (
                "receiver",
                f"{receiver['name']}  {receiver['fingerprint'][:12]}" if receiver else "anyone",
            ),
            ("space", f"{space['name']}  {space['fingerprint'][:12]}"),
        ]
    else:
        route = description["route"]
        rows.append(("message", f"number {route['message_number']} of route {route['id']}"))
    rows.append(
        (
            "bytes",
            f"{sizes['packet']:,}: payload {sizes['payload']:,}, "
            f"everything else {sizes['everything else']:,}",
        )
    )
    for tensor in description["tensors"]:
        rows += _tensor_rows(tensor, description["statistics"].get(tensor["name"]))
    if description["undecoded"]:
        rows.append(("values", description["undecoded"]))
    for section in description["sections"]:
        kind = "critical" if section["critical"] else "ancillary"
        place = f"{section['length']:,} bytes at {section['offset']}"
        name = section["name"] or f"type {section['type']}"
        rows.append(("section", f"{name}, {kind}, {place}"))
    if description["seal"]:
        rows.append(("seal", _seal_line(description["seal"])))
    if description["digest"]:
        rows.append(("digest", description["digest"]))
    return [f"{name:<9} {value}".rstrip() for name, value in rows]


def _seal_line(seal: dict[str, Any]) -> str:
    if "error" in seal:
        return f"unreadable: {seal['error']}"
    cut = ", cut to its first rows since" if seal["is_cut"] else ""
    return (
        f"not verified; {seal['algorithm']}, key {seal['key_id']}, "
        f"number {seal['sequence']:,} of session {seal['session']}{cut}"
    )


def _tensor_rows(tensor: dict[str, Any], found: dict[str, Any] | None) -> list[tuple[str, str]]:
    shape = " x ".join(map(str, tensor["shape"]))
    name = f"{tensor['name']}: " if tensor["name"] else ""
    scales = tensor["scales"]
    by = ""
    if scales is not None:
        shared = scales["shared_by"]
        unit = f"group of {shared}" if isinstance(shared, int) else shared
        zero = ", zero points" if scales["asymmetric"] else ""
        by = f", a scale in {scales['width']} for each {unit}{zero}"
    payload = f"{tensor['payload']['length']:,} bytes at {tensor['payload']['offset']}"
    form = f"{shape}, {tensor['encoding']}{by}, compression {tensor['compression']}"
    first = ("latents", f"{name}{form}, {payload}")
    if found is None:
        return [first]
    histogram = found["histogram"]
    top = max(histogram["counts"]) or 1
    bars = "".join(_BARS[round(count / top * (len(_BARS) - 1))] for count in histogram["counts"])
    return [
        first,
        ("values", f"mean {found['mean']:+.3f}, deviation {found['deviation']:.3f}"),
        ("", f"{found['minimum']:+.2f} {bars} {found['maximum']:+.2f}"),
    ]


def _address(packet: Any) -> dict[str, Any]:
    """Whose message it is; null where only the route of a compact packet says it."""
    if packet.route is not None:
        number, route = packet.route
        return {
            "route": {"id": route, "message_number": number},
            "message_id": None,
            "sender": None,
            "receiver": None,
            "space": None,
        }
    return {
        "route": None,
        "message_id": packet.message_id.hex(),
        "sender": _model(packet.sender),
        "receiver": _model(packet.receiver),
        "space": {"name": packet.space.name, "fingerprint": packet.space.fingerprint.hex()},
    }


def _model(ref: Any) -> dict[str, str] | None:
    if ref is None:
        return None
    return {
        "name": ref.name,
        "revision": ref.revision,
        "fingerprint": ref.fingerprint.hex(),
    }
