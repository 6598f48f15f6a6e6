"""What was measured: one entry a row and seed, kept as soon as it is there."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

from latentwire.comparison.plan import Plan, Row
from latentwire.durable import write_whole

Figures = dict[str, dict[str, dict[str, float]]]
"""Receiver -> figure (``latent``, ``zero message``, ...) -> task -> accuracy in percent; of several
senders, a receiver with each."""


HEARS = " hears "
"""Between the names of a receiver and of a sender."""


class Result(TypedDict):
    """One row, trained with one seed and measured.

    ``settings`` is the digest of recipe and test rows, ``parameters`` those of the encoder and of
    all adapters, or of the projector; ``failed`` says why there are no figures; ``commit`` is
    that of the code which measured it.
    """

    group: str
    row: str
    seed: int
    settings: str
    command: str
    sender: str
    steps: int
    seconds: float
    loss: float
    batch_size: int
    parameters: dict[str, int]
    packet_bytes: float
    figures: Figures
    failed: NotRequired[str]
    commit: NotRequired[str]


def settings_digest(row: Row, seed: int, plan: Plan) -> str:
    """BLAKE2b-48 of what a result depends on, hexadecimal: its recipe and its test rows.

    Defaults are left out, so that a new field of recipes makes no result an old one.
    """
    recipe = row.load(seed).model_dump_json(exclude_defaults=True)
    text = recipe + json.dumps(plan.limits, sort_keys=True)
    if row.senders:
        text += json.dumps(row.senders)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


class Results:
    """Results in a JSON file.

    Args:
        path: The file; need not exist.

    Attributes:
        about: What the last of them was measured with.
        all: In the order of measuring.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.about: dict[str, str] = {}
        self.all: list[Result] = []
        if path.is_file():
            kept = json.loads(path.read_text())
            self.about, self.all = kept["about"], kept["results"]

    def find(self, row: Row, seed: int) -> Result | None:
        """What is there of a row and seed, whatever its settings."""
        for result in self.all:
            if (result["group"], result["row"], result["seed"]) == (row.group, row.name, seed):
                return result
        return None

    def of(self, row: Row, seeds: Sequence[int]) -> list[Result]:
        """The results of a row that have figures."""
        found = [self.find(row, seed) for seed in seeds]
        return [result for result in found if result is not None and "failed" not in result]

    def add(self, result: Result, about: dict[str, str]) -> None:
        """Keep a result, in the place of an older one.

        Args:
            result: What was measured.
            about: What it was measured with, for the head of the file.

        Raises:
            DiskFullError: If there is no room; the former file stays.
        """
        key = ("group", "row", "seed")
        self.all = [r for r in self.all if any(r[k] != result[k] for k in key)]  # type: ignore[literal-required]
        measured = result if "commit" not in about else {**result, "commit": about["commit"]}
        self.all.append(measured)
        self.about = about
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"about": about, "results": self.all}, indent=1)
        write_whole(self.path, text + "\n")


def spread(values: Sequence[float]) -> str:
    """Mean and sample deviation over seeds, e.g. ``82.1 +- 0.4``; of one value the value."""
    if not values:
        return ""
    mean = f"{statistics.mean(values):.1f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.1f}"
