"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

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
