"""The entry of ``latentwire compare``: a plan to results and tables."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence
from pathlib import Path

from latentwire.comparison.measure import Measurer
from latentwire.comparison.plan import Row, load_plan, rows_of
from latentwire.comparison.references import read_references
from latentwire.comparison.report import write_tables
from latentwire.comparison.results import Results, settings_digest
from latentwire.durable import write_whole
from latentwire.errors import UsageError
from latentwire.provenance import describe_run
from latentwire.tasks.base import find_data_dir

logger = logging.getLogger(__name__)


def compare(
    plan_path: Path,
    output: Path,
    *,
    data_dir: Path | None = None,
    run_dir: Path = Path("runs/compare"),
    only: Sequence[str] = (),
    group: str | None = None,
    seeds: Sequence[int] = (),
    minutes: float | None = None,
    references: Path | None = None,
    tables_only: bool = False,
) -> str:
    """Run what is missing of a plan and write ``NAME.json`` and ``NAME.md``, after the plan's name.

    All rows are run with the first seed before any with the second, so that a comparison that is
    cut short has compared all of them. A row and seed that is there with the same recipe and test
    rows is not run again. Runs must not share a core: they are timed.

    Args:
        plan_path: The plan.
        output: Folder for the tables.
        data_dir: Data folder; default ``$LATENTWIRE_DATA``.
        run_dir: Run folders, and beside them the features of frozen senders.
        only: Names of rows; default all.
        group: Name of the only group.
        seeds: In the place of the plan's.
        minutes: In the place of the plan's.
        references: ``records.jsonl`` of ``latentwire eval``, for what models reach alone.
        tables_only: Whether to write tables of what is there, and run nothing.

    Returns:
        The tables.

    Raises:
        UsageError: If plan, data or a name do not fit.
        RecipeError: If a recipe does not fit its changes; before anything is run.
    """
    plan = load_plan(plan_path)
    if minutes is not None:
        plan = plan.model_copy(update={"minutes": minutes})
    rows = list(rows_of(plan, plan_path))
    chosen = [
        row for row in rows if row.name in (only or [row.name]) and group in (None, row.group)
    ]
    if not chosen:
        known = ", ".join(sorted({row.name for row in rows}))
        raise UsageError("no row of the plan is named so", hint=f"its rows: {known}")
    for row in chosen:
        row.load(plan.seeds[0])
    results = Results(output / f"{plan_path.stem}.json")
    beside = {} if references is None else read_references(references, plan)
    command = f"latentwire compare {plan_path}"
    about = describe_run(command)
    if not tables_only:
        measure = Measurer(plan, find_data_dir(data_dir), run_dir)
        for seed in seeds or plan.seeds:
            for row in chosen:
                found = results.find(row, seed)
                if found is not None and found["settings"] == settings_digest(row, seed, plan):
                    continue
                logger.info("%s, %s, seed %d", row.group, row.name, seed)
                results.add(measure(row, seed, _command(command, row, seed, minutes)), about)
    text = write_tables(plan, rows, results, beside, results.about or about)
    output.mkdir(parents=True, exist_ok=True)
    write_whole(output / f"{plan_path.stem}.md", text)
    return text


def _command(command: str, row: Row, seed: int, minutes: float | None) -> str:
    names = f"--group {shlex.quote(row.group)} --row {shlex.quote(row.name)} --seed {seed}"
    return f"{command} {names}" + ("" if minutes is None else f" --minutes {minutes:g}")
