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
    run_dir: Annotated[
        Path, typer.Option(help="Parts, states and logs; a run resumes from here.")
    ] = Path("runs/train"),
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder with <task>/{train,test}.jsonl.gz; default $LATENTWIRE_DATA."),
    ] = None,
    stage: Annotated[str | None, typer.Option(help="Only this stage.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a field: dotted.key=value; may be repeated."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check shapes and memory at small scale; write nothing."),
    ] = False,
    threads: Threads = None,
) -> None:
    """Train the encoders and adapters of a recipe; every frozen model stays frozen."""
    require_extra("train", "pydantic", "yaml")
    from latentwire.training.command import train as run

    print_json(
        run(
            recipe,
            set_ or [],
            run_dir=run_dir,
            data_dir=data_dir,
            stage=stage,
            check_only=dry_run,
            threads=threads,
        )
    )
