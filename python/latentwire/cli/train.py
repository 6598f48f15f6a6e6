"""``latentwire train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentwire.cli.console import print_json
from latentwire.cli.options import Threads
from latentwire.extras import require_extra


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe in YAML.")],
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="Changes to it, e.g. stages.found.steps=500 (a stage by name or number).",
        ),
    ] = None,
    run_dir: Annotated[
        Path, typer.Option(help="Parts, states and logs; a run resumes from here.")
    ] = Path("runs/train"),
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder with <task>/{train,test}.jsonl.gz; default $LATENTWIRE_DATA."),
    ] = None,
    stage: Annotated[str | None, typer.Option(help="Only this stage.")] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the plan, shapes, parameters and estimates after two steps at small scale; "
            "write nothing.",
        ),
    ] = False,
    threads: Threads = None,
) -> None:
    """Train the encoders and adapters of a recipe; every frozen model stays frozen."""
    require_extra("train", "pydantic", "yaml", "accelerate", "filelock")
    from latentwire.training.command import train as run

    print_json(
        run(
            recipe,
            changes or [],
            run_dir=run_dir,
            data_dir=data_dir,
            stage=stage,
            check_only=dry_run,
            threads=threads,
        )
    )
