"""``latentwire models``: what can send and what can receive on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from latentwire.cli.console import print_json
from latentwire.cli.options import Json


def models(
    folder: Annotated[
        Path | None, typer.Argument(help="List the parts below a folder too, e.g. of a run.")
    ] = None,
    json: Json = False,
) -> None:
    """List the models at hand and the trained parts that are installed for them."""
    from latentwire.catalog import BYTES, available_models
    from latentwire.checkpoint import DEFAULT_SPACE, SPACES_DIR, describe_parts, shipped_parts
    from latentwire.errors import UsageError

    if folder is not None and not folder.is_dir():
        raise UsageError(f"folder {folder} does not exist")
    encoders, adapters = shipped_parts("encoder"), shipped_parts("adapter")
    parts = describe_parts(SPACES_DIR)
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "sends": name in encoders,
            "receives": name in adapters,
            "space": DEFAULT_SPACE,
            "parts": [part for part in parts if part["model"] == name],
        }
        for name in [*available_models(), BYTES]
    ]
    for part in describe_parts(folder) if folder is not None else []:
        sends = part["role"] == "encoder"
        rows.append(
            {
                "name": part["model"],
                "sends": sends,
                "receives": not sends,
                "space": part["space"],
                "parts": [part],
            }
        )
    if json:
        print_json(rows)
        return
    for row in rows:
        verbs = [verb for verb in ("sends", "receives") if row[verb]]
        typer.echo(f"{row['name']:<12} {' and '.join(verbs) or 'no trained part'}")
        for part in row["parts"]:
            typer.echo(
                f"    {part['role']}: {part['kind']}, {part['num_latents']} x "
                f"{part['latent_width']}, space {part['space']} {part['fingerprint'][:12]}, "
                f"{part['megabytes']:.1f} MB, {part['folder']}"
            )
