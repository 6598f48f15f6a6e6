"""Where the command line prints: data to stdout, everything for a person's eyes to stderr."""

from __future__ import annotations

import errno
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from latentwire.errors import ChoicesError, LatentwireError, UsageError

if TYPE_CHECKING:
    from latentwire.resources import Resources

STDIO = "-"
"""The file name that stands for stdin or stdout."""

_NO_SUCH_FILE = (errno.ENOENT, errno.ENAMETOOLONG)

stderr = Console(stderr=True, highlight=False)


def print_error(error: LatentwireError) -> None:
    """``error: ...`` and, where there is one, ``hint: ...``, a line each."""
    typer.echo(f"error: {error}", err=True)
    if error.hint:
        typer.echo(f"hint: {error.hint}", err=True)


def print_json(data: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def command_line() -> str:
    """The command that is running, as it can be typed again."""
    return shlex.join(["latentwire", *sys.argv[1:]])


def read_bytes(name: str) -> bytes:
    """A file's bytes, or stdin's for ``-``.

    Raises:
        UsageError: If the file cannot be read.
    """
    if name == STDIO:
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}") from error


def read_resources(tables: list[str] | None, dictionaries: list[str] | None) -> Resources:
    """What packets only name, from the files of ``--tables`` and ``--dictionary``.

    Raises:
        UsageError: If a file cannot be read.
        MalformedPacketError: If it does not hold tables.
    """
    from latentwire.resources import Dictionary, EntropyTables, Resources

    return Resources(
        tables=[EntropyTables.from_bytes(read_bytes(name)) for name in tables or ()],
        dictionaries=[Dictionary(read_bytes(name)) for name in dictionaries or ()],
    )


def write_bytes(name: str, data: bytes) -> None:
    """Write to a file, or to stdout for ``-``.

    Raises:
        UsageError: If the file cannot be written, or if stdout is a terminal.
    """
    check_output(name)
    if name == STDIO:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        Path(name).write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot write {name}: {error.strerror}") from error


def check_output(name: str) -> None:
    """Refuse an output that cannot be written, before what is to be written is computed.

    Nothing is created, so a file that is there is as it was should the command fail later.

    Raises:
        UsageError: If it is a folder, is in no folder, or may not be written; or if stdout is a
            terminal.
    """
    if name == STDIO:
        if sys.stdout.isatty():
            raise UsageError(
                "a packet is binary, and stdout is a terminal",
                hint="write it to a file with --output FILE, or pipe it on",
            )
        return
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"cannot write {name}: it is a folder", hint="give the name of a file")
    if not path.parent.is_dir():
        raise UsageError(
            f"cannot write {name}: there is no folder {path.parent}", hint="create the folder first"
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"cannot write {name}: {os.strerror(errno.EACCES)}")


def the_text(text: str | None, file: str | None) -> str:
    """The text of ``--text``, or of a file or stdin.

    Raises:
        UsageError: If both or neither are given, or the file is not UTF-8.
    """
    if (text is None) == (file is None):
        raise UsageError("give either --text TEXT or a file (- for stdin)")
    if text is not None:
        return text
    assert file is not None
    try:
        data = read_bytes(file)
    except UsageError as error:
        # Somebody who types the text where its file belongs sees a file that is not there.
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _NO_SUCH_FILE:
            error.hint = "if this is the text itself, put --text in front of it"
        raise
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file} is not UTF-8 text: byte {error.start} is {data[error.start]:#04x}"
        ) from error


def the_choices(choices: str | None) -> list[str] | None:
    """``"negative, positive"`` -> ``["negative", "positive"]``; a JSON list is taken as it is.

    Raises:
        UsageError: If it is no JSON list, or one of other things than texts.
        ChoicesError: If it is one answer.
    """
    if choices is None:
        return None
    if choices.lstrip().startswith("["):
        try:
            listed = json.loads(choices)
        except ValueError as error:
            raise UsageError(f"--choices is not a JSON list: {error}") from error
        for number, choice in enumerate(listed, start=1):
            if not isinstance(choice, str):
                raise UsageError(
                    f"--choices: {json.dumps(choice)}, {number} of {len(listed)}, is not a text",
                    hint="put it into quotation marks",
                )
        return [*listed]
    found = [choice.strip() for choice in choices.split(",")]
    if len(found) == 1:
        raise ChoicesError(
            f"expected at least 2 choices, found 1: {choices!r}",
            hint="separate answers by commas, e.g. --choices negative,positive",
        )
    return found
