"""Options that several commands share, declared once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import typer

from latentwire.errors import UsageError

Encodings = Literal["f32", "f16", "bf16", "fp8", "int8", "int4", "int2", "sign"]
Compressions = Literal["none", "zstd", "entropy", "auto"]

DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder with <task>/{train,test}.jsonl.gz; default $LATENTWIRE_DATA."),
]
OnlySenders = Annotated[list[str] | None, typer.Option("--sender", help="Only these senders.")]
OnlyReceivers = Annotated[
    list[str] | None, typer.Option("--receiver", help="Only these receivers.")
]
MeasuredRun = Annotated[
    Path | None,
    typer.Option(
        "--run",
        help="Run folder whose parts are measured, with those of the space that it joined; "
        "default: shipped parts.",
    ),
]
MeasuredSplit = Annotated[
    Literal["test", "validation"],
    typer.Option("--split", help="Which rows: choices between variants are made on validation."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Text = Annotated[str | None, typer.Option("--text", help="The text itself.")]
Question = Annotated[
    str | None, typer.Option(help='What the receiver is asked, e.g. "Sentiment:".')
]
Choices = Annotated[
    str | None,
    typer.Option(help="Answers to choose from: comma-separated, or a JSON list. None: generate."),
]
LatentCount = Annotated[int | None, typer.Option("--k", help="Latents to send; default all.")]
Encoding = Annotated[Encodings, typer.Option(help="Payload encoding of the latents.")]
ScaleSharing = Annotated[
    str,
    typer.Option(
        "--scales", help="Who shares a scale: row, tensor, channel, or so many neighbours."
    ),
]
Asymmetric = Annotated[
    bool, typer.Option("--asymmetric", help="Scales with zero points; int8, int4 and int2.")
]
Compression = Annotated[Compressions, typer.Option(help="Lossless stage on top.")]
CompressionWithoutTables = Annotated[
    Literal["none", "zstd", "auto"],
    typer.Option("--compression", help="Lossless stage on top."),
]
TableFiles = Annotated[
    list[str] | None,
    typer.Option("--tables", help="File of entropy tables that both ends have; may be repeated."),
]
DictionaryFiles = Annotated[
    list[str] | None,
    typer.Option("--dictionary", help="zstd dictionary that both ends have; may be repeated."),
]
PacketFile = Annotated[str, typer.Argument(help="A packet; - for stdin.")]
SenderModel = Annotated[
    str,
    typer.Option("--model", "-m", help="Sender: a shipped name, a folder, or a hub name."),
]
EncoderFolder = Annotated[
    str | None, typer.Option("--encoder", help="Folder of a trained encoder for the model.")
]
Device = Annotated[str | None, typer.Option(help='Where to run, e.g. "cuda"; default the CPU.')]
Threads = Annotated[int | None, typer.Option(help="CPU threads; default all cores.", min=1)]


def given_options(context: typer.Context, parameters: Iterable[str]) -> list[str]:
    """Which of these parameters somebody typed, as they are typed: a default is not given."""
    sources = {name: context.get_parameter_source(name) for name in parameters}
    # By name, as the enumeration is click's in older releases of typer, and its own in newer ones.
    return [
        parameter.opts[0]
        for parameter in context.command.params
        if (source := sources.get(parameter.name or "")) and source.name != "DEFAULT"
    ]


def refuse_options(context: typer.Context, parameters: Iterable[str], why: str, hint: str) -> None:
    """Refuse options that would be ignored: who gives one expects it to do something.

    Args:
        context: Of the command.
        parameters: Names of the command's parameters.
        why: What is wrong with giving one, without the option in front.
        hint: What to do instead; ``{option}`` in it is the option.

    Raises:
        UsageError: If one is given.
    """
    for option in given_options(context, parameters):
        raise UsageError(f"{option} {why}", hint=hint.format(option=option))
