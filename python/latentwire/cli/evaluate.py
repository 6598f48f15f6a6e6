"""``latentwire eval``."""

from __future__ import annotations

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


def evaluate(
    output: Annotated[Path, typer.Option(help="Folder for records and tables.")],
    data_dir: DataDir = None,
    run: MeasuredRun = None,
    figure: Annotated[
        list[str] | None,
        typer.Option(help="text, latent, probes, prefix, encodings, sizes; repeat; default all."),
    ] = None,
    sender: OnlySenders = None,
    receiver: OnlyReceivers = None,
    task: Annotated[list[str] | None, typer.Option(help="Only these tasks.")] = None,
    limit: Annotated[
        int | None, typer.Option(help="Only the first rows of each split.", min=2)
    ] = None,
    targets: Annotated[
        Path | None, typer.Option(help="JSON file of targets to hold the figures against.")
    ] = None,
    cache_dir: Annotated[
        Path | None, typer.Option(help="Keep the probes' features here between runs.")
    ] = None,
    max_probe_rows: Annotated[
        int, typer.Option(help="The most training rows of a probe.", min=100)
    ] = 20_000,
    split: MeasuredSplit = "test",
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Measure accuracy on whole splits, with controls and probes; resumes."""
    import torch

    from latentwire.evaluation import FIGURES, run_evaluation
    from latentwire.evaluation.report import write_report

    if threads is not None:
        torch.set_num_threads(threads)
    records = run_evaluation(
        output,
        data_dir=data_dir,
        run_dir=run,
        figures=figure or FIGURES,
        senders=sender,
        receivers=receiver,
        tasks=task,
        limit=limit,
        max_probe_rows=max_probe_rows,
        cache_dir=cache_dir,
        split=split,
    )
    command = command_line()
    text = write_report(records, output, command, targets)
    if json:
        print_json([{k: v for k, v in record.items() if k != "right"} for record in records])
    else:
        typer.echo(text)
