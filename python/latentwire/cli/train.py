"""``latentwire train``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentwire.cli.console import print_json
from latentwire.cli.options import DataDir, Threads, refuse_options
from latentwire.errors import UsageError
from latentwire.extras import require_extra

if TYPE_CHECKING:
    from latentwire.tasks import PromptTemplate, Task


_OF_OWN_DATA = (
    "text_column", "label_column", "question", "template",
    "test_split", "hub_config", "hub_revision",
)  # fmt: skip
"""Parameters that say how ``--data`` is read."""


def train(
    context: typer.Context,
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
    template: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.yaml",
            help="Of --data: a file with the question, a text of several columns, and the answer "
            "of each label (keys question, text, verbalizers).",
        ),
    ] = None,
    test_split: Annotated[
        str,
        typer.Option(
            help="Of --data: its split for the test, where the labels of `test` are withheld."
        ),
    ] = "test",
    hub_config: Annotated[
        str | None, typer.Option(help="Of --data by hub name: which of its configurations.")
    ] = None,
    hub_revision: Annotated[
        str | None, typer.Option(help="Of --data by hub name: branch, tag or commit.")
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
    if data is None:
        refuse_options(
            context,
            _OF_OWN_DATA,
            "belongs to data of your own, and there is no --data",
            "name them as well: --data FILE",
        )
    require_extra("train", "pydantic", "yaml", "accelerate", "filelock")
    from latentwire.training.command import train as run

    print_json(
        run(
            recipe,
            changes or [],
            run_dir=run_dir,
            data_dir=data_dir,
            own_task=None
            if data is None
            else _own_task(
                data,
                text_column,
                label_column,
                question,
                template,
                test_split=test_split,
                hub_config=hub_config,
                hub_revision=hub_revision,
            ),
            stage=stage,
            check_only=dry_run,
            threads=threads,
        )
    )


def _own_task(
    data: str,
    text_column: str,
    label_column: str,
    question: str | None,
    template_file: Path | None,
    *,
    test_split: str = "test",
    hub_config: str | None = None,
    hub_revision: str | None = None,
) -> Task:
    """A task of a file or folder, or of a hub name where there is no such file."""
    from latentwire.tasks import Task

    template = _template(template_file, text_column, question)
    is_on_hub = data.count("/") == 1 and not Path(data).exists() and not Path(data).suffix
    if is_on_hub:
        return Task.from_hub(
            data,
            config=hub_config,
            revision=hub_revision,
            label_column=label_column,
            test_split=test_split,
            template=template,
        )
    for option, given in (("--hub-config", hub_config), ("--hub-revision", hub_revision)):
        if given is not None:
            raise UsageError(
                f"{option} {given} is of a data set by its hub name, and {data} is read as a path",
                hint=f"leave out {option}, or name the data set OWNER/NAME",
            )
    return Task.from_file(data, label_column=label_column, test_split=test_split, template=template)


def _template(file: Path | None, text_column: str, question: str | None) -> PromptTemplate:
    """What the file says, and for what it does not say, the options."""
    from latentwire.tasks import PromptTemplate

    template = PromptTemplate() if file is None else PromptTemplate.from_yaml(file)
    if text_column != "text":
        _check_said_once("--text-column", "text", template, file)
        template = replace(template, text=f"{{{text_column}}}")
    if question is not None:
        _check_said_once("--question", "question", template, file)
        template = replace(template, question=question)
    return template


def _check_said_once(option: str, key: str, template: PromptTemplate, file: Path | None) -> None:
    if getattr(template, key) != getattr(type(template), key):
        raise UsageError(
            f"{option} is given, and {file} has the key {key} as well",
            hint=f"leave out {option}, or take {key} out of the file",
        )
