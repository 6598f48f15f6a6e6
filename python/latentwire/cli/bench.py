"""``latentwire bench``: what things cost on this machine, beside what people use instead."""

from __future__ import annotations

from typing import Annotated

import typer

from latentwire.cli.console import print_json, stderr
from latentwire.cli.options import Json

app = typer.Typer(
    help="Measure on this machine, beside what people use instead.", no_args_is_help=True
)


@app.callback()
def bench() -> None:
    """Measure on this machine, beside what people use instead."""


@app.command()
def wire(
    repeat: Annotated[int, typer.Option(help="Rounds of every timing.", min=1)] = 200,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="peers, soft-prompt, compact, batch, memory, entropy, sealed; repeat for more.",
            metavar="NAME",
        ),
    ] = None,
    json: Json = False,
) -> None:
    r"""Time packets beside other serializers on one core, and hold the figures against targets.

    Peers that are not installed are listed as such: pip install 'latentwire\[bench]' brings them.
    """
    from rich.console import Console

    from latentwire.benchmark.report import rows_table
    from latentwire.benchmark.wire import Setting, run_wire

    with stderr.status("measuring ..."):
        rows = run_wire(Setting(repeat=repeat), only or ())
    if json:
        print_json([row.to_json() for row in rows])
        for row in rows:
            if row.value is None:
                stderr.print(f"{row.name}: {row.note}", markup=False)
        return
    caption = f"Times are the best of {repeat} interleaved rounds; the median stands beside them."
    Console(highlight=False).print(rows_table(rows, caption))
