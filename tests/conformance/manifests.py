"""Manifests of the vectors, the files that they name, and what readers have beside packets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from latentwire.errors import WireError
from latentwire.message import ModelRef, Route, SpaceRef
from latentwire.resources import Dictionary, EntropyTables, Resources

ROOT = Path(__file__).parent


def manifests() -> list[Path]:
    return sorted(ROOT.glob("*/manifest.json"))


def vectors(kind: str, name: str = "file") -> list[Any]:
    """Pairs of folder and vector, as parameters of a test."""
    return [
        pytest.param(path.parent, vector, id=f"{path.parent.name}/{vector[name]}")
        for path in manifests()
        for vector in json.loads(path.read_text())[kind]
    ]


def named(folder: Path, kind: str, field: str, name: str) -> Any:
    """The vector of a kind in which a field has this value."""
    all_of_them = json.loads((folder / "manifest.json").read_text())[kind]
    (found,) = (vector for vector in all_of_them if vector[field] == name)
    return found


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


def model(described: Any) -> ModelRef:
    return ModelRef(
        name=described["name"],
        revision=described["revision"],
        fingerprint=bytes.fromhex(described["fingerprint"]),
    )


def route(agreed: Any, header: Any) -> Route | None:
    """A route, and who sends to whom on it: of a valid packet that is what its header says."""
    if agreed is None:
        return None
    space = SpaceRef(
        name=header["space"]["name"], fingerprint=bytes.fromhex(header["space"]["fingerprint"])
    )

    def fingerprint(what: str) -> bytes | None:
        digits = agreed.get(what)
        return None if digits is None else bytes.fromhex(digits)

    return Route(
        id=agreed["id"],
        message_prefix=bytes.fromhex(agreed["message_prefix"]),
        sender=model(header["sender"]),
        receiver=None if header["receiver"] is None else model(header["receiver"]),
        space=space,
        codebook=fingerprint("codebook"),
        dictionary=fingerprint("dictionary"),
        tables=fingerprint("tables"),
    )


def check_finding(error: WireError | None, wanted: Any) -> None:
    """Hold what was found, if anything was, against the manifest."""
    found = (None, None) if error is None else (error.id, error.offset)
    assert found == (wanted["error"], wanted["offset"]), error
