"""Records as tables: what the README quotes, with targets met or missed."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from latentwire.errors import UsageError
from latentwire.evaluation.statistics import Difference
from latentwire.message import __version__
from latentwire.tasks import TASKS

Record = dict[str, Any]

_TITLES = {
    "text": "Receivers reading the text itself",
    "probe": "Linear probes on the states that encoders read",
    "latent": "Latent messages, int8, all 32 latents",
    "joint": "Joint answer of two receivers, by the product of their probabilities",
    "no message": "Control: no message",
    "zero message": "Control: a message of zeros",
    "other message": "Control: another example's message",
    "prefix": "First k latents, int8",
    "encodings": "Payload encodings, all 32 latents",
}


def write_report(
    records: Sequence[Record], output: Path, command: str, targets: Path | None = None
) -> str:
    """Write ``results.md`` and ``results.json`` beside the records and give the Markdown.

    Args:
        records: What ``run_evaluation`` gave.
        output: The folder.
        command: How the figures can be made again.
        targets: A JSON file of targets to hold the figures against; see ``benchmarks/README.md``.

    Raises:
        UsageError: If the targets file cannot be read.
    """
    about = describe_run(command)
    held = [] if targets is None else check_targets(records, targets)
    lines = [
        "# Accuracy on whole test splits",
        "",
        "Percent right, with Wilson's 95% interval. Written by the command below; not edited.",
        "",
        *(f"- {key}: {value}" for key, value in about.items()),
        "",
    ]
    for figure, title in _TITLES.items():
        chosen = [record for record in records if record["figure"] == figure]
        if chosen:
            lines += [f"## {title}", "", *_table(chosen), ""]
    majority = {record["task"]: record["majority_percent"] for record in records}
    lines += ["## Majority class", "", *_row_table([("always the same answer", majority, "")]), ""]
    comparisons = list(_comparisons(records))
    if comparisons:
        lines += ["## Paired differences", "", *comparisons, ""]
    if held:
        lines += [
            "## Targets",
            "",
            "| what | task | target | found | |",
            "| --- | --- | --- | --- | --- |",
        ]
        fields = ("what", "task", "target", "found", "verdict")
        lines += ["| " + " | ".join(str(row[field]) for field in fields) + " |" for row in held]
        lines.append("")
    text = "\n".join(lines)
    (output / "results.md").write_text(text)
    results = {"about": about, "targets": held, "records": [_public(r) for r in records]}
    (output / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    return text


def describe_run(command: str) -> dict[str, str]:
    """Machine, versions, date and command of a run."""
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git is there
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return {
        "command": f"`{command}`",
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "commit": commit,
        "machine": f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{'CUDA' if torch.cuda.is_available() else 'no GPU'}",
        "versions": f"latentwire {__version__}, torch {torch.__version__}, "
        f"Python {platform.python_version()}",
        "seeds": "training 1, bootstrap 1; one training run",
    }


def check_targets(records: Sequence[Record], path: Path) -> list[dict[str, Any]]:
    """Hold figures against targets: ``met``, ``missed`` or ``not measured``.

    Raises:
        UsageError: If the file cannot be read.
    """
    try:
        wanted = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read targets {path}: {error}") from error
    rows = []
    for target in wanted:
        for task, least in target["at_least"].items():
            found = [
                record["accuracy"]["percent"]
                for record in records
                if record["task"] == task
                and all(record.get(key) == value for key, value in target["where"].items())
            ]
            verdict = "not measured"
            if found:
                verdict = "met" if found[-1] >= least else "missed"
            rows.append(
                {
                    "what": target["what"],
                    "task": task,
                    "target": least,
                    "found": found[-1] if found else "",
                    "verdict": verdict,
                }
            )
    return rows


def _table(records: list[Record]) -> list[str]:
    """One line per path, one column per task."""
    by_path: dict[str, dict[str, str]] = {}
    sizes: dict[str, list[float]] = {}
    for record in records:
        accuracy = record["accuracy"]
        cell = f"{accuracy['percent']:.1f} ({accuracy['low']:.1f} to {accuracy['high']:.1f})"
        name = _path_name(record)
        by_path.setdefault(name, {})[record["task"]] = cell
        if record.get("packet_bytes"):
            sizes.setdefault(name, []).append(record["packet_bytes"])
    return _row_table(
        (name, cells, f"{sum(sizes[name]) / len(sizes[name]):,.0f}" if name in sizes else "")
        for name, cells in by_path.items()
    )


def _row_table(rows: Iterable[tuple[str, dict[str, Any], str]]) -> list[str]:
    head = ["path", *TASKS, "mean bytes"]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    for name, cells, size in rows:
        values = [name, *(str(cells.get(task, "")) for task in TASKS), size]
        lines.append("| " + " | ".join(values) + " |")
    return lines


def _path_name(record: Record) -> str:
    parts = [record.get("sender"), record.get("receiver")]
    name = " to ".join(part for part in parts if part)
    if record["figure"] == "prefix":
        name += f", k = {record['k']}"
    if record["figure"] == "encodings":
        name += f", {record['encoding']}"
    if record["figure"] == "probe":
        name += f", layer {record['layer']}"
    return name


def _comparisons(records: Sequence[Record]) -> Iterable[str]:
    """Joint against the better receiver, and one latent against all of them."""
    for record in records:
        if record["figure"] == "joint":
            found = record["against_better"]
            yield (
                f"- {record['task']}, {_path_name(record)}: joint minus the better one "
                f"{found['points']:+.2f} points ({found['low']:+.2f} to {found['high']:+.2f})"
            )
    full = {
        (record["task"], record["sender"], record["receiver"]): record
        for record in records
        if record["figure"] == "latent"
    }
    for record in records:
        key = (record["task"], record.get("sender"), record.get("receiver"))
        if record["figure"] == "prefix" and record["k"] == 1 and key in full:
            found = Difference.of(_unpacked(record), _unpacked(full[key]))
            yield (
                f"- {record['task']}, {_path_name(record)}: minus all latents "
                f"{found.points:+.2f} points ({found.low:+.2f} to {found.high:+.2f})"
            )


def _unpacked(record: Record) -> Any:
    import numpy as np

    bits = np.frombuffer(bytes.fromhex(record["right"]), dtype=np.uint8)
    return np.unpackbits(bits, count=record["accuracy"]["num_rows"]).astype(bool)


def _public(record: Record) -> Record:
    """A record without the row-by-row bits."""
    return {key: value for key, value in record.items() if key != "right"}


def _processor() -> str:
    """Name of the processor, as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
