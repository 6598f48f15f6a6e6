"""The command ``latentwire``: data on stdout, everything else on stderr, exit code 2 for misuse.

Commands are thin: they read arguments, call one function of the package and print its result.
Heavy imports happen inside the commands, so ``latentwire --help`` is instant.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from latentwire.cli import (
    bench,
    compare,
    demo,
    evaluate,
    host,
    inspect,
    models,
    packets,
    questions,
    send,
    train,
)
from latentwire.cli.console import print_error
from latentwire.errors import LatentwireError

app = typer.Typer(
    name="latentwire",
    help="Latent messages between frozen language models of different families.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    demo.demo,
    host.host,
    send.send,
    packets.encode,
    packets.decode,
    packets.truncate,
    inspect.inspect,
    inspect.diff,
    models.models,
    train.train,
    evaluate.evaluate,
    compare.compare,
    questions.eval_questions,
):
    app.command(name="eval" if command is evaluate.evaluate else None)(command)
app.add_typer(bench.app, name="bench")


def _print_version(wanted: bool) -> None:
    if wanted:
        from latentwire import __version__
        from latentwire.message import FORMAT_VERSION

        typer.echo(f"latentwire {__version__}, packet format {'.'.join(map(str, FORMAT_VERSION))}")
        raise typer.Exit


@app.callback()
def options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more, to stderr.")] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options of every command."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    if not verbose:
        # Not its every retry: the error at the end says it once.
        os.environ.setdefault("HF_HUB_VERBOSITY", "error")


def main() -> None:
    """Run the command line; errors of this package become one line, a hint and an exit code."""
    # Progress bars of the libraries below would tear ours, and a host's log.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        app()
    except LatentwireError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except SystemExit as ending:
        # Whoever read our output has seen enough. Typer and Rich make an exit code of 1 of that,
        # and have already seen to it that nothing is said at exit.
        if isinstance(ending.__context__, BrokenPipeError):
            sys.exit(0)
        raise
