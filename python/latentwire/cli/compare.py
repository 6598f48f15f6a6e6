"""``latentwire compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentwire.cli.options import DataDir, Threads
from latentwire.extras import require_extra


def compare(
    plan: Annotated[Path, typer.Argument(help="A plan in YAML, see benchmarks/comparisons.")],
    output: Annotated[
        Path, typer.Option(help="Folder for the tables, as JSON and Markdown.")
    ] = Path("benchmarks/results"),
    data_dir: DataDir = None,
    run_dir: Annotated[
        Path, typer.Option(help="Run folders; features of senders are kept beside it.")
    ] = Path("runs/compare"),
    row: Annotated[list[str] | None, typer.Option(help="Only this row; repeat for more.")] = None,
    group: Annotated[str | None, typer.Option(help="Only this group.")] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="In the place of the plan's seeds; repeat.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="In the place of the plan's minutes.", min=0.01)
    ] = None,
    references: Annotated[
        Path | None,
        typer.Option(help="records.jsonl of latentwire eval: what models reach alone."),
    ] = None,
    tables_only: Annotated[
        bool, typer.Option("--tables-only", help="Run nothing; write tables of what is there.")
    ] = False,
    threads: Threads = None,
) -> None:
    """Train recipes for the same time, measure them on the same test rows; resumes."""
    require_extra("train", "pydantic", "yaml", "accelerate", "filelock")
    import torch

    from latentwire.comparison.run import compare as run

    if threads is not None:
        torch.set_num_threads(threads)
    typer.echo(
        run(
            plan,
            output,
            data_dir=data_dir,
            run_dir=run_dir,
            only=row or (),
            group=group,
            seeds=seed or (),
            minutes=minutes,
            references=references,
            tables_only=tables_only,
        )
    )
