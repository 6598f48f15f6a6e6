"""A place for a stream, and a stream that is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from stream_packets import WHOLE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "latents.lwp"


@pytest.fixture
def whole(path: Path) -> Path:
    path.write_bytes(WHOLE)
    return path
