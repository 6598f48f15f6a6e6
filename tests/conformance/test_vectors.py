"""Every golden packet through the Python package."""

from __future__ import annotations

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


@pytest.mark.parametrize(("folder", "vector"), vectors("valid"))
def test_valid_packets_decode_to_what_the_manifest_says(folder: Path, vector: Any) -> None:
    data = (folder / vector["file"]).read_bytes()
    packet = Packet.from_bytes(data)
    message = packet.decode()
    assert packet.message_id.hex() == vector["message_id"]
    for ref, described in (
        (packet.sender, vector["sender"]),
        (packet.receiver, vector["receiver"]),
    ):
        if described is None:
            assert ref is None
        else:
            fingerprint = bytes.fromhex(described["fingerprint"])
            assert ref == ModelRef(**{**described, "fingerprint": fingerprint})
    assert packet.space.name == vector["space"]["name"]
    assert packet.space.fingerprint.hex() == vector["space"]["fingerprint"]
    assert (packet.encoding, packet.compression) == (vector["encoding"], vector["compression"])
    assert list(packet.shape) == vector["shape"]
    assert message.latents.astype("<f4").tobytes().hex() == vector["latents_f32_le"]
    assert [(s.type, s.body.hex()) for s in message.sections] == [
        (s["type"], s["body"]) for s in vector["sections"]
    ]
    again = message.encode(packet.encoding)
    if packet.compression == "none":
        assert bytes(again) == data
    else:
        np.testing.assert_array_equal(again.decode().latents, message.latents)


@pytest.mark.parametrize(("folder", "vector"), vectors("invalid"))
def test_invalid_packets_are_refused_for_the_reason_given(folder: Path, vector: Any) -> None:
    with pytest.raises(WireError) as caught:
        Packet.from_bytes((folder / vector["file"]).read_bytes()).decode()
    assert caught.value.id == vector["error"]
