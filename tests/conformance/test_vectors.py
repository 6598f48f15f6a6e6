"""Every golden packet through the Python package."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from latentwire.errors import WireError
from latentwire.message import Codes, Message, ModelRef, Packet, Route, Section, SpaceRef
from latentwire.resources import Dictionary, EntropyTables, Resources
from latentwire.sections import AnswerSpace, Literals, Metadata, Text, Trace

ROOT = Path(__file__).parent


def vectors(kind: str) -> list[Any]:
    return [
        pytest.param(path.parent, vector, id=f"{path.parent.name}/{vector['file']}")
        for path in sorted(ROOT.glob("*/manifest.json"))
        for vector in json.loads(path.read_text())[kind]
    ]


def resources(folder: Path) -> Resources:
    """The entropy tables and dictionaries that readers are given beside the packets."""
    tables, dictionaries = [], []
    for resource in json.loads((folder / "manifest.json").read_text())["resources"]:
        data = (folder / resource["file"]).read_bytes()
        if resource["kind"] == "tables":
            tables.append(EntropyTables.from_bytes(data))
            assert tables[-1].fingerprint.hex() == resource["fingerprint"]
        else:
            dictionaries.append(Dictionary(data))
            assert dictionaries[-1].fingerprint.hex() == resource["fingerprint"]
    return Resources(tables=tables, dictionaries=dictionaries)


BODIES: dict[int, Any] = {2: Literals, 3: Text, 4: AnswerSpace, 5: Metadata, 6: Trace}


def read_all(data: bytes, given: Resources) -> None:
    """Read all there is: the packet, its tensors, the bodies of its sections."""
    packet = Packet.from_bytes(data)
    packet.decode(resources=given)
    values = {}
    for info in packet.sections:
        if info.type in BODIES:
            section = Section(info.type, data[info.offset : info.offset + info.length])
            values[info.type] = BODIES[info.type].from_section(section, offset=info.offset)
    if 2 in values and 3 in values:
        values[2].check_against(values[3].text)


def described(model: ModelRef | None) -> dict[str, str] | None:
    if model is None:
        return None
    fingerprint = model.fingerprint.hex()
    return {"name": model.name, "revision": model.revision, "fingerprint": fingerprint}


def model(described: Any) -> ModelRef:
    return ModelRef(
        name=described["name"],
        revision=described["revision"],
        fingerprint=bytes.fromhex(described["fingerprint"]),
    )


def route(vector: Any) -> Route | None:
    """The route that a compact vector is of."""
    agreed = vector["route"]
    if agreed is None:
        return None
    space = SpaceRef(
        name=vector["space"]["name"], fingerprint=bytes.fromhex(vector["space"]["fingerprint"])
    )
    return Route(
        id=agreed["id"],
        message_prefix=bytes.fromhex(agreed["message_prefix"]),
        sender=model(vector["sender"]),
        receiver=None if vector["receiver"] is None else model(vector["receiver"]),
        space=space,
        codebook=None if agreed["codebook"] is None else bytes.fromhex(agreed["codebook"]),
    )


def content(message: Message, name: str) -> Any:
    """A tensor of a message by its name."""
    if not name and message.latents.size:
        return message.latents
    return message.tensors[name]


@pytest.mark.parametrize(("folder", "vector"), vectors("valid"))
def test_valid_packets_decode_to_what_the_manifest_says(folder: Path, vector: Any) -> None:
    packet = Packet.from_bytes((folder / vector["file"]).read_bytes())
    message = packet.decode(route=route(vector), resources=resources(folder))
    assert ".".join(map(str, packet.version)) == vector["version"]
    assert message.message_id.hex() == vector["message_id"]
    assert described(message.sender) == vector["sender"]
    assert described(message.receiver) == vector["receiver"]
    assert message.space.name == vector["space"]["name"]
    assert message.space.fingerprint.hex() == vector["space"]["fingerprint"]
    assert [tensor.name for tensor in packet.tensors] == [t["name"] for t in vector["tensors"]]
    for info, tensor in zip(packet.tensors, vector["tensors"], strict=True):
        assert (info.encoding, info.compression) == (tensor["encoding"], tensor["compression"])
        assert list(info.shape) == tensor["shape"]
        found = content(message, info.name)
        if isinstance(found, Codes):
            assert found.codes.ravel().tolist() == tensor["codes"]
            assert (found.codebook.hex(), found.size) == (tensor["codebook"], tensor["size"])
        else:
            assert found.astype("<f4").tobytes().hex() == tensor["latents_f32_le"]
    assert [{"type": s.type, "body": s.body.hex()} for s in message.sections] == vector["sections"]


@pytest.mark.parametrize(("folder", "vector"), vectors("valid"))
def test_what_was_given_writes_the_bytes_of_the_vector(folder: Path, vector: Any) -> None:
    data = (folder / vector["file"]).read_bytes()
    packet = Packet.from_bytes(data)
    decoded = packet.decode(route=route(vector), resources=resources(folder))
    given: dict[str, Any] = {}
    for tensor in vector["tensors"]:
        if tensor["encoding"] == "codes":
            given[tensor["name"]] = content(decoded, tensor["name"])
        else:
            numbers = np.frombuffer(bytes.fromhex(tensor["given_f32_le"]), dtype="<f4")
            given[tensor["name"]] = numbers.reshape(tensor["shape"])
    unnamed = given.pop("") if isinstance(given.get(""), np.ndarray) else np.zeros(0, np.float32)
    scales = vector["tensors"][0]["scales"] or {"granularity": "row", "asymmetric": False}
    encoding = vector["tensors"][0]["encoding"]
    again = dataclasses.replace(decoded, latents=unnamed, tensors=given).encode(
        "int8" if encoding == "codes" else encoding,
        scales=scales["group"] if scales["granularity"] == "group" else scales["granularity"],
        asymmetric=scales["asymmetric"],
        route=route(vector),
    )
    if vector["canonical"]:
        assert bytes(again) == data
    else:
        np.testing.assert_array_equal(again.decode().latents, decoded.latents)


@pytest.mark.parametrize(("folder", "vector"), vectors("invalid"))
def test_invalid_packets_are_refused_for_the_reason_given(folder: Path, vector: Any) -> None:
    with pytest.raises(WireError) as caught:
        read_all((folder / vector["file"]).read_bytes(), resources(folder))
    assert caught.value.id == vector["error"]
    assert caught.value.offset == vector["offset"]
