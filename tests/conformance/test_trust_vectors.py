"""Sealed and encrypted vectors through the Python package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from latentwire.errors import WireError
from latentwire.message import Packet
from latentwire.trust import Verifier, VerifyKey, decrypt, digest
from manifests import check_finding, named, resources, route, vectors


def verify_key(folder: Path, name: str) -> VerifyKey:
    key = named(folder, "keys", "name", name)
    half = key["public"] if key["algorithm"] == "ed25519" else key["secret"]
    return VerifyKey(key["algorithm"], bytes.fromhex(key["id"]), bytes.fromhex(half))


def verifier(folder: Path, receiver: Any) -> Verifier:
    made = Verifier(
        [verify_key(folder, name) for name in receiver["keys"]],
        max_sessions=receiver["max_sessions"],
        expecting_sessions=receiver["announced"] is not None,
    )
    for announced in receiver["announced"] or []:
        key = named(folder, "keys", "name", announced["key"])
        made.expect(bytes.fromhex(key["id"]), bytes.fromhex(announced["session"]))
    return made


@pytest.mark.parametrize(("folder", "receiver"), vectors("sealed", "name"))
def test_receivers_accept_and_refuse_what_the_manifest_says(folder: Path, receiver: Any) -> None:
    made, agreed = verifier(folder, receiver), route(receiver["route"], receiver["route"])
    for wanted in receiver["packets"]:
        data = (folder / wanted["file"]).read_bytes()
        try:
            found = made.verify(data, route=agreed)
        except WireError as error:
            check_finding(error, wanted)
            continue
        check_finding(None, wanted)
        assert found.algorithm == wanted["algorithm"]
        assert found.key_id.hex() == wanted["key_id"]
        assert found.session.hex() == wanted["session"]
        assert found.sequence == int(wanted["sequence"])
        assert found.is_cut == bool(wanted["cuts"])
        content = digest(found.packet, route=agreed, resources=resources(folder))
        assert content.hex() == wanted["digest"]


@pytest.mark.parametrize(("folder", "key"), vectors("refused_keys", "public"))
def test_public_keys_that_are_none_are_refused(folder: Path, key: Any) -> None:
    with pytest.raises(WireError) as caught:
        VerifyKey(key["algorithm"], bytes(8), bytes.fromhex(key["public"]))
    check_finding(caught.value, key)


@pytest.mark.parametrize(("folder", "vector"), vectors("encrypted"))
def test_encrypted_packets_hold_what_the_manifest_says(folder: Path, vector: Any) -> None:
    key = named(folder, "keys", "name", vector["key"])
    data = (folder / vector["file"]).read_bytes()
    found = None
    try:
        opened = decrypt(data, bytes.fromhex(key["id"]), bytes.fromhex(key["secret"]))
    except WireError as error:
        found = error
    else:
        assert bytes(opened) == (folder / vector["opened"]).read_bytes()
        with pytest.raises(WireError) as caught:
            Packet.from_bytes(data)
        assert caught.value.id == "preamble.profile"
    check_finding(found, vector)
