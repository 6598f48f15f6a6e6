"""What ``latentwire inspect``, ``diff`` and ``decode`` make of packets of every form."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from latentwire.cli import app
from latentwire.message import Message, ModelRef, Section, SpaceRef
from latentwire.resources import EntropyTables, Resources
from latentwire.sections import Metadata, Text
from latentwire.trust import Sealer, SealKey
from typer.main import get_command

VECTORS = Path(__file__).parents[1] / "conformance" / "v1.0"
SENDER = ModelRef(name="tiny-llama", fingerprint=bytes(16))
SPACE = SpaceRef(name="tiny-v1", fingerprint=bytes(range(16)))
NUMBERS = np.random.default_rng(1).standard_normal((8, 64), dtype=np.float32)


COMMAND = get_command(app)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(COMMAND, arguments)
    assert done.exit_code == 0, (arguments, done.output, done.exception)
    return done.stdout


def inspected(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("inspect", "--json", *arguments))
    return found


@pytest.fixture(scope="module")
def resources() -> list[str]:
    """Options that name all files of tables, and the dictionary."""
    files = json.loads((VECTORS / "manifest.json").read_text())["resources"]
    return [part for file in files for part in (f"--{file['kind']}", str(VECTORS / file["file"]))]


def test_every_vector_is_shown(resources: list[str]) -> None:
    decoded = 0
    for file in sorted(map(str, (VECTORS / "valid").glob("*.lwp"))):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = inspected(file, *resources)
        is_coded = {tensor["compression"] for tensor in found["tensors"]} & {
            "entropy",
            "zstd-dictionary",
        }
        # By no option can a route be given, which is what names their tables in a compact packet.
        assert bool(found["undecoded"]) == bool(found["route"] and is_coded), file
        assert (found["digest"] is None) == (found["route"] is not None), file
        assert found["seal"] is None
        if found["undecoded"] is None:
            decoded += 1
            assert np.isfinite(found["statistics"]["deviation"])
            json.loads(run("decode", file, *resources))
            assert json.loads(run("diff", file, file, "--json", *resources))["equal"]
        assert "bytes" in run("inspect", file, *resources)
    assert decoded > 40


def test_a_packet_is_shown_without_the_tables_that_it_needs(tmp_path: Path) -> None:
    tables = EntropyTables.fit(np.stack([NUMBERS] * 3), "int4")
    message = Message(latents=NUMBERS, sender=SENDER, space=SPACE)
    packet = message.encode("int4", compression="entropy", resources=Resources(tables=[tables]))
    file, tables_file = tmp_path / "packet.lwp", tmp_path / "tables"
    file.write_bytes(bytes(packet))
    tables_file.write_bytes(bytes(tables))
    found = inspected(str(file))
    assert tables.fingerprint.hex() in found["undecoded"]
    assert (found["statistics"], found["digest"]) == (None, None)
    assert found["bytes"]["packet"] == len(packet)
    assert "values    what the payload is coded with is not here" in run("inspect", str(file))
    refused = CliRunner().invoke(COMMAND, ["decode", str(file)])
    assert refused.exit_code == 1

    with_tables = ["--tables", str(tables_file)]
    found = inspected(str(file), *with_tables)
    assert found["undecoded"] is None
    assert sum(found["statistics"]["histogram"]["counts"]) == NUMBERS.size
    assert json.loads(run("decode", str(file), *with_tables))["shape"] == [8, 64]
    shorter = str(tmp_path / "shorter.lwp")
    run("truncate", str(file), "--k", "2", "--output", shorter, *with_tables)
    compared = json.loads(run("diff", str(file), shorter, "--json", *with_tables))
    assert compared["tensors"][""]["largest_error"] == 0


def differing(first: Path, second: Path) -> tuple[dict[str, Any], str]:
    """What ``diff`` says of two packets, for a program and for a person."""
    files = (str(first), str(second))
    return json.loads(run("diff", *files, "--json")), run("diff", *files)


@pytest.fixture
def same_id() -> bytes:
    return bytes(range(16))


def written(path: Path, sections: list[Section], id_: bytes, **form: Any) -> Path:
    message = Message(
        latents=NUMBERS, sender=SENDER, space=SPACE, sections=sections, message_id=id_
    )
    path.write_bytes(bytes(message.encode("int8", **form)))
    return path


def test_where_a_section_lies_is_no_difference(tmp_path: Path, same_id: bytes) -> None:
    text, other = Text("a fine film"), Text("a fine FILM")
    metadata = Metadata({"n": 1})
    first = written(tmp_path / "a", [text.to_section(), metadata.to_section()], same_id)
    second = written(tmp_path / "b", [other.to_section(), metadata.to_section()], same_id)
    found, shown = differing(first, second)
    assert not found["equal"]
    assert found["differing"] == {}
    (section,) = found["sections"]
    assert (section["name"], section["differing_bytes"]) == ("text", 4)
    assert "section text  4 of " in shown
    assert "types" not in shown

    longer = Text("a fine film, a very fine film").to_section()
    third = written(tmp_path / "c", [longer, metadata.to_section()], same_id)
    found, shown = differing(first, third)
    assert [section["name"] for section in found["sections"]] == ["text"]  # what follows only moved
    lengths = found["sections"][0]["length"]
    assert f"section text  {lengths[0]} and {lengths[1]} bytes" in shown

    without = written(tmp_path / "d", [text.to_section()], same_id)
    found, shown = differing(first, without)
    assert [(part["name"], part["length"][1]) for part in found["sections"]] == [("metadata", None)]
    assert "section metadata  only in the first packet, " in shown


def test_another_sharing_of_scales_is_told(tmp_path: Path, same_id: bytes) -> None:
    first = written(tmp_path / "a", [], same_id)
    second = written(tmp_path / "b", [], same_id, scales="tensor")
    found, shown = differing(first, second)
    assert [scales["shared_by"] for scales in found["differing"]["scales"]] == ["row", "tensor"]
    assert "shared_by tensor" in shown


def test_diff_says_what_it_exits_with() -> None:
    assert "Exits with 0 also where the packets differ" in run("diff", "--help")


def test_a_seal_is_shown_and_not_believed(tmp_path: Path) -> None:
    sealer = Sealer(SealKey("blake3", b"2026-11a", bytes(32)))
    file = tmp_path / "sealed.lwp"
    sealed = sealer.seal(Message(latents=NUMBERS, sender=SENDER, space=SPACE).encode())
    file.write_bytes(bytes(sealed))
    assert inspected(str(file))["seal"] == {
        "algorithm": "blake3",
        "key_id": b"2026-11a".hex(),
        "session": sealer.session.hex(),
        "sequence": 0,
        "is_cut": False,
    }
    assert "not verified; blake3, key 323032362d313161, number 0" in run("inspect", str(file))


@pytest.mark.parametrize("file", ["algorithm-4", "cut-of-no-tensor", "seal-ends-in-tag"])
def test_a_seal_that_does_not_fit_is_no_reason_to_show_nothing(file: str) -> None:
    path = str(VECTORS / "sealed" / f"{file}.lwp")
    assert list(inspected(path)["seal"]) == ["error"]
    assert "seal      unreadable: " in run("inspect", path)
