"""``latentwire eval-questions``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from latentwire.cli.console import command_line, print_json
from latentwire.cli.options import (
    DataDir,
    Json,
    MeasuredRun,
    MeasuredSplit,
    OnlyReceivers,
    OnlySenders,
    Threads,
)


def eval_questions(
    output: Annotated[Path, typer.Option(help="Folder for figures and tables.")],
    data_dir: DataDir = None,
    run: MeasuredRun = None,
    sender: OnlySenders = None,
    receiver: OnlyReceivers = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only these kinds of questions; default all.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Only so many questions of each kind.", min=4)
    ] = None,
    split: MeasuredSplit = "test",
    other_seed: Annotated[
        list[Path] | None,
        typer.Option(
            help="Run folder of the same recipe with another seed: messages are then the mean and "
            "deviation over seeds; repeat."
        ),
    ] = None,
    alone: Annotated[
        list[Path] | None,
        typer.Option(
            help="Run folder of parts trained for one kind alone, measured beside; repeat."
        ),
    ] = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Ask receivers what the sender never saw, with controls; resumes."""
    import torch

    from latentwire.evaluation.question_report import write_question_report
    from latentwire.evaluation.question_run import run_question_evaluation

    if threads is not None:
        torch.set_num_threads(threads)
    figures = run_question_evaluation(
        output,
        data_dir=data_dir,
        run_dir=run,
        senders=sender,
        receivers=receiver,
        kinds=kind,
        limit=limit,
        split=split,
        other_seeds=other_seed or (),
        alone=alone or (),
    )
    rows = f"At most {limit} questions of each kind" if limit else "All questions"
    text = write_question_report(
        figures,
        output,
        command_line(),
        f"{rows} of the {split} split whose texts all models can read whole.",
    )
    if json:
        print_json([asdict(figure) for figure in figures])
    else:
        typer.echo(text)
