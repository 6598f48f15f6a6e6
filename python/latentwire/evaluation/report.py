"""Records as tables: what the README quotes, with targets met or missed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentwire.evaluation.comparisons import Comparison, comparisons
from latentwire.evaluation.records import Record, path_name
from latentwire.evaluation.statistics import RESAMPLING
from latentwire.extras import require_extra
from latentwire.provenance import describe_run
from latentwire.tasks import TASKS

if TYPE_CHECKING:
    from latentwire.evaluation.targets import Held

_TITLES = {
    "text": "Receivers reading the text itself",
    "probe": "Linear probes on the states that encoders read",
    "latent": "Latent messages, int8, all latents",
    "joint": "Joint answer of two receivers, by the product of their probabilities",
    "no message": "Control: no message",
    "zero message": "Control: a message of zeros",
    "other message": "Control: another example's message",
    "prefix": "First k latents, int8",
    "encodings": "Payload encodings, all latents",
    "sizes": "Small messages: few latents of few bits",
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
    about = {**describe_run(command), "bootstrap": RESAMPLING}
    held: list[Held] = []
    if targets is not None:
        require_extra("eval", "pydantic")
        from latentwire.evaluation.targets import hold, load_targets

        held = hold(records, load_targets(targets))
    compared = list(comparisons(records))
    parts = {name: print_ for r in records for name, print_ in sorted(r["parts"].items())}
    text = "\n".join(
        [
            *_head(records, about),
            *_figures(records),
            *_baselines(records),
            *_differences(compared),
            *_targets(held),
            "## Models and parts",
            "",
            *(f"- {name}: `{fingerprint}`" for name, fingerprint in parts.items()),
            "",
        ]
    )
    results = {
        "about": about,
        "is_partial": _is_partial(records),
        "parts": parts,
        "targets": [asdict(row) for row in held],
        "differences": [_plain(found) for found in compared],
        "records": [_public(record) for record in records],
    }
    output.mkdir(parents=True, exist_ok=True)
    (output / "results.md").write_text(text)
    (output / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    return text


def _is_partial(records: Sequence[Record]) -> bool:
    return any(record["limit"] is not None for record in records)


def _head(records: Sequence[Record], about: dict[str, str]) -> list[str]:
    split = next((record.get("split_name", "test") for record in records), "test")
    title, scope = (
        f"# Accuracy on whole {split} splits",
        "Percent right, with Wilson's 95% interval.",
    )
    if _is_partial(records):
        rows = max(record["limit"] or 0 for record in records)
        title = f"# Accuracy on parts of {split} splits"
        scope = f"**Partial: the first {rows} rows of each shuffled split.** {scope}"
    lines = [title, "", f"{scope} Written by the command below; not edited.", ""]
    return [*lines, *(f"- {key}: {value}" for key, value in about.items()), ""]


def _figures(records: Sequence[Record]) -> list[str]:
    lines: list[str] = []
    for figure, title in _TITLES.items():
        chosen = [record for record in records if record["figure"] == figure]
        if figure == "prefix":
            chosen = _curves(chosen, records)
        if chosen:
            lines += [f"## {title}", ""]
            if figure == "probe":
                lines += [_probe_note(chosen), ""]
            lines += [*_table(chosen), ""]
    return lines


def _curves(prefixes: list[Record], records: Sequence[Record]) -> list[Record]:
    """Prefixes by path and length, each curve ended by the whole message."""
    paths = {(record["sender"], record["receiver"]) for record in prefixes}
    ends: list[Record] = [
        {**record, "figure": "prefix"}
        for record in records
        if record["figure"] == "latent" and (record["sender"], record["receiver"]) in paths
    ]
    return sorted([*prefixes, *ends], key=lambda r: (r["sender"], r["receiver"], r["k"] or 0))


def _probe_note(probes: list[Record]) -> str:
    trained = {record["task"]: record["num_train_rows"] for record in probes}
    rows = ", ".join(f"{task} {count:,}" for task, count in trained.items())
    return (
        "Logistic regression on standardized, mean-pooled states; inverse regularization strength "
        f"chosen on validation rows. Training rows: {rows}."
    )


def _baselines(records: Sequence[Record]) -> list[str]:
    majority = {record["task"]: record["majority_percent"] for record in records}
    chance = {record["task"]: record["chance_percent"] for record in records}
    count = {record["task"]: int(record["accuracy"]["num_rows"]) for record in records}
    rows: list[tuple[str, dict[str, Any], str]] = [
        ("always the most frequent answer", majority, ""),
        ("chance", chance, ""),
        ("rows", count, ""),
    ]
    return ["## Without reading", "", *_row_table(rows), ""]


def _differences(compared: Sequence[Comparison]) -> list[str]:
    if not compared:
        return []
    head = [
        "| difference | path | task | points | 95% interval |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines = [
        f"| {found.what} | {path_name(found.record)} | {found.record['task']} "
        f"| {found.difference.points:+.2f} "
        f"| {found.difference.low:+.2f} to {found.difference.high:+.2f} |"
        for found in compared
    ]
    return ["## Paired differences", "", *head, *lines, ""]


def _targets(held: Sequence[Held]) -> list[str]:
    if not held:
        return []
    counts = {v: sum(row.verdict == v for row in held) for v in ("met", "missed", "not measured")}
    lines = [
        f"| {row.what} | {row.task} | {row.target} | {row.found} | {row.verdict} |" for row in held
    ]
    return [
        "## Targets",
        "",
        ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) + ".",
        "",
        "| what | task | target | found | |",
        "| --- | --- | --- | --- | --- |",
        *lines,
        "",
    ]


def _table(records: list[Record]) -> list[str]:
    """One line per path, one column per task."""
    by_path: dict[str, dict[str, str]] = {}
    sizes: dict[str, list[tuple[float, float]]] = {}
    for record in records:
        accuracy = record["accuracy"]
        cell = f"{accuracy['percent']:.1f} ({accuracy['low']:.1f} to {accuracy['high']:.1f})"
        name = path_name(record)
        by_path.setdefault(name, {})[record["task"]] = cell
        if record.get("packet_bytes"):
            pair = record["packet_bytes"], record.get("compact_bytes", 0.0)
            sizes.setdefault(name, []).append(pair)
    return _row_table((name, cells, _size(sizes.get(name, []))) for name, cells in by_path.items())


def _size(sizes: Sequence[tuple[float, float]]) -> str:
    """Mean bytes over tasks, and of compact packets where all have been counted."""
    if not sizes:
        return ""
    whole, compact = (sum(column) / len(sizes) for column in zip(*sizes, strict=True))
    if all(size for _, size in sizes):
        return f"{whole:,.0f} (compact {compact:,.0f})"
    return f"{whole:,.0f}"


def _row_table(rows: Iterable[tuple[str, dict[str, Any], str]]) -> list[str]:
    head = ["path", *TASKS, "mean bytes"]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    for name, cells, size in rows:
        values = [name, *(str(cells.get(task, "")) for task in TASKS), size]
        lines.append("| " + " | ".join(values) + " |")
    return lines


def _plain(found: Comparison) -> dict[str, Any]:
    return {
        "what": found.what,
        "task": found.record["task"],
        "path": path_name(found.record),
        "reference": path_name(found.reference),
        **asdict(found.difference),
    }


def _public(record: Record) -> dict[str, Any]:
    """A record without the row-by-row bits."""
    return {key: value for key, value in record.items() if key != "right"}
