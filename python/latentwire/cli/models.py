"""``latentwire models``: what can send and what can receive on this machine."""

from __future__ import annotations

import typer

from latentwire.cli.console import print_json
from latentwire.cli.options import Json


def models(json: Json = False) -> None:
    """List the models at hand and the trained parts that are shipped for them."""
    from latentwire.catalog import BYTES, available_models
    from latentwire.checkpoint import DEFAULT_SPACE, shipped_parts

    encoders, adapters = shipped_parts("encoder"), shipped_parts("adapter")
    rows = [
        {
            "name": name,
            "sends": name in encoders,
            "receives": name in adapters,
            "space": DEFAULT_SPACE,
        }
        for name in [*available_models(), BYTES]
    ]
    if json:
        print_json(rows)
        return
    for row in rows:
        verbs = [verb for verb in ("sends", "receives") if row[verb]]
        typer.echo(f"{row['name']:<12} {' and '.join(verbs) or 'no trained part'}")
