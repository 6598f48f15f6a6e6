"""Every golden packet through the Python package."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from latentwire.errors import WireError
from latentwire.message import Codes, Message, ModelRef, Packet, Route, Section
from latentwire.resources import EntropyTables, Resources
from latentwire.sections import AnswerSpace, Literals, Metadata, Text, Trace
from latentwire.trust import digest
from manifests import check_finding, named, resources, route, vectors

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


def route_of(vector: Any) -> Route | None:
    """The route that a compact vector is of."""
    return route(vector["route"], vector)


def content(message: Message, name: str) -> Any:
    """A tensor of a message by its name."""
    if not name and message.latents.size:
        return message.latents
    return message.tensors[name]


@pytest.mark.parametrize(("folder", "vector"), vectors("valid"))
def test_valid_packets_decode_to_what_the_manifest_says(folder: Path, vector: Any) -> None:
    packet = Packet.from_bytes((folder / vector["file"]).read_bytes())
    message = packet.decode(route=route_of(vector), resources=resources(folder))
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
    decoded = packet.decode(route=route_of(vector), resources=resources(folder))
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
        route=route_of(vector),
    )
    if vector["canonical"]:
        assert bytes(again) == data
    else:
        read = again.decode(route=route_of(vector))
        for tensor in vector["tensors"]:
            found, wanted = (content(message, tensor["name"]) for message in (read, decoded))
            if isinstance(wanted, Codes):
                found, wanted = found.codes, wanted.codes
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(("folder", "vector"), vectors("invalid"))
def test_invalid_packets_are_refused_for_the_reason_given(folder: Path, vector: Any) -> None:
    with pytest.raises(WireError) as caught:
        read_all((folder / vector["file"]).read_bytes(), resources(folder))
    check_finding(caught.value, vector)


@pytest.mark.parametrize(("folder", "vector"), vectors("digests"))
def test_content_has_the_digest_that_the_manifest_gives(folder: Path, vector: Any) -> None:
    packet = Packet.from_bytes((folder / vector["file"]).read_bytes())
    agreed = route_of(named(folder, "valid", "file", vector["file"]))
    found = digest(packet, route=agreed, resources=resources(folder))
    assert found.hex() == vector["digest"]


@pytest.mark.parametrize(("folder", "vector"), vectors("refused_tables"))
def test_files_of_tables_are_refused_for_the_reason_given(folder: Path, vector: Any) -> None:
    with pytest.raises(WireError) as caught:
        EntropyTables.from_bytes((folder / vector["file"]).read_bytes())
    check_finding(caught.value, vector)
