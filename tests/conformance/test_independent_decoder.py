"""Every golden packet through a decoder that was written from the specification alone (`go/`)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
SOURCE = ROOT / "go"

# Everything in a manifest but what the vectors are read with.
KINDS = [
    "valid",
    "digests",
    "invalid",
    "refused_tables",
    "refused_keys",
    "sealed",
    "encrypted",
    "streams",
    "indexes",
]

# The installed toolchain or none, the versions in go.mod and go.sum or none, wherever a developer's
# own workspace or settings would point.
ENVIRONMENT = {
    **os.environ,
    "GOFLAGS": "-mod=readonly",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
}


def go(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["go", *arguments],
        cwd=SOURCE,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module", autouse=True)
def modules() -> None:
    """Skip without a Go that can build this. Modules that are in the cache need no network."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    fetched = go("mod", "download")
    if fetched.returncode:
        pytest.skip(f"go cannot get what go.mod asks for: {fetched.stderr.strip()}")


@pytest.fixture(scope="module")
def decoder(modules: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    binary = tmp_path_factory.mktemp("go") / "lwp-conformance"
    built = go("build", "-o", str(binary), "./cmd/lwp-conformance")
    assert built.returncode == 0, built.stderr
    return binary


@pytest.mark.parametrize(
    "manifest", sorted(ROOT.glob("*/manifest.json")), ids=lambda p: p.parent.name
)
def test_reads_every_vector(decoder: Path, manifest: Path) -> None:
    read = subprocess.run(
        [decoder, manifest.parent], capture_output=True, text=True, check=False, timeout=60
    )
    assert read.returncode == 0, read.stdout + read.stderr
    vectors = json.loads(manifest.read_text())
    kinds = [
        f"{len(vectors[kind])} of {len(vectors[kind])} {kind.replace('_', ' ')}" for kind in KINDS
    ]
    assert read.stdout == f"{manifest.parent.name}: {', '.join(kinds)} pass\n"
    assert not read.stderr
    assert vectors.keys() == {"format", "resources", "keys", *KINDS}


@pytest.mark.parametrize("check", ["vet", "test -count=1"])
def test_go(check: str) -> None:
    checked = go(*check.split(), "./...")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_go_format() -> None:
    gofmt = Path(go("env", "GOROOT").stdout.strip(), "bin", "gofmt")
    formatted = subprocess.run(
        [gofmt, "-l", "."], cwd=SOURCE, capture_output=True, text=True, check=False, timeout=60
    )
    assert formatted.returncode == 0, formatted.stderr
    assert not formatted.stdout, f"not as gofmt writes it: {formatted.stdout}"
