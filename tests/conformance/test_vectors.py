"""Every golden packet through the Python package."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from latentwire.errors import WireError
from latentwire.message import ModelRef, Packet

ROOT = Path(__file__).parent


def vectors(kind: str) -> list[Any]:
    return [
        pytest.param(path.parent, vector, id=f"{path.parent.name}/{vector['file']}")
        for path in sorted(ROOT.glob("*/manifest.json"))
        for vector in json.loads(path.read_text())[kind]
    ]


def described(model: ModelRef | None) -> dict[str, str] | None:
    if model is None:
        return None
    fingerprint = model.fingerprint.hex()
    return {"name": model.name, "revision": model.revision, "fingerprint": fingerprint}


@pytest.mark.parametrize(("folder", "vector"), vectors("valid"))
def test_valid_packets_decode_to_what_the_manifest_says(folder: Path, vector: Any) -> None:
    packet = Packet.from_bytes((folder / vector["file"]).read_bytes())
    message = packet.decode()
    assert ".".join(map(str, packet.version)) == vector["version"]
    assert packet.message_id.hex() == message.message_id.hex() == vector["message_id"]
    assert described(packet.sender) == described(message.sender) == vector["sender"]
    assert described(packet.receiver) == described(message.receiver) == vector["receiver"]
    assert packet.space.name == vector["space"]["name"]
    assert packet.space.fingerprint.hex() == vector["space"]["fingerprint"]
    assert (packet.encoding, packet.compression) == (vector["encoding"], vector["compression"])
    assert list(packet.shape) == list(message.latents.shape) == vector["shape"]
    assert message.latents.astype("<f4").tobytes().hex() == vector["latents_f32_le"]
    assert [{"type": s.type, "body": s.body.hex()} for s in message.sections] == vector["sections"]


@pytest.mark.parametrize(("folder", "vector"), vectors("valid"))
def test_what_was_given_and_what_was_decoded_write_the_same_bytes(
    folder: Path, vector: Any
) -> None:
    data = (folder / vector["file"]).read_bytes()
    packet = Packet.from_bytes(data)
    decoded = packet.decode()
    given = np.frombuffer(bytes.fromhex(vector["given_f32_le"]), dtype="<f4")
    written = dataclasses.replace(decoded, latents=given.reshape(vector["shape"]))
    again = written.encode(packet.encoding)
    assert decoded.encode(packet.encoding) == again
    if vector["canonical"]:
        assert bytes(again) == data
    else:
        np.testing.assert_array_equal(again.decode().latents, decoded.latents)


@pytest.mark.parametrize(("folder", "vector"), vectors("invalid"))
def test_invalid_packets_are_refused_for_the_reason_given(folder: Path, vector: Any) -> None:
    with pytest.raises(WireError) as caught:
        Packet.from_bytes((folder / vector["file"]).read_bytes()).decode()
    assert caught.value.id == vector["error"]
