"""``latentwire train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentwire.cli.console import print_json
from latentwire.cli.options import DataDir, Threads
from latentwire.extras import require_extra

if TYPE_CHECKING:
    from latentwire.tasks import Task


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
    data_dir: DataDir = None,
    data: Annotated[
        str | None,
        typer.Option(help="Your own data: CSV, TSV, JSON lines, Parquet, a folder, or a hub name."),
    ] = None,
    text_column: Annotated[str, typer.Option(help="Of --data: what is sent.")] = "text",
    label_column: Annotated[str, typer.Option(help="Of --data: what is answered.")] = "label",
    question: Annotated[
        str | None, typer.Option(help="Of --data: what receivers are asked.")
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
            own_task=_own_task(data, text_column, label_column, question),
            stage=stage,
            check_only=dry_run,
            threads=threads,
        )
    )


def _own_task(
    data: str | None, text_column: str, label_column: str, question: str | None
) -> Task | None:
    """A task of a file or folder, or of a hub name where there is no such file."""
    if data is None:
        return None
    from latentwire.tasks import Task

    options: dict[str, Any] = {"text_column": text_column, "label_column": label_column}
    if question is not None:
        options["question"] = question
    is_on_hub = data.count("/") == 1 and not Path(data).exists() and not Path(data).suffix
    return Task.from_hub(data, **options) if is_on_hub else Task.from_file(data, **options)
