"""What rows stand beside: receivers reading the text or nothing, probes of senders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from latentwire.comparison.plan import Plan
from latentwire.errors import UsageError
from latentwire.evaluation.records import Record, unpacked

_FIGURES = ("text", "no message", "probe")


def read_references(path: Path, plan: Plan) -> dict[str, dict[str, float]]:
    """Figures of models alone on the very rows that a plan measures.

    Args:
        path: ``records.jsonl`` of ``latentwire eval`` over whole test splits: it holds which rows
            were right, so that its figures can be cut to the first rows of a split.
        plan: Whose rows.

    Returns:
        What was measured, in words -> task -> percent.

    Raises:
        UsageError: If there is no such file.
    """
    if not path.is_file():
        raise UsageError(f"records file {path} does not exist", hint="latentwire eval writes one")
    found: dict[str, dict[str, float]] = {}
    for line in path.read_text().splitlines():
        record: Record = json.loads(line)
        if record["figure"] in _FIGURES and record["limit"] is None:
            right = unpacked(record)[: plan.limits.get(record["task"])]
            percent = round(100 * float(np.mean(right)), 2)
            found.setdefault(_what(record), {})[record["task"]] = percent
    return found


def _what(record: Any) -> str:
    if record["figure"] == "probe":
        return f"linear probe on {record['sender']}, layer {record['layer']}"
    reads = "reads the text" if record["figure"] == "text" else "without a message"
    return f"{record['receiver']} {reads}"
