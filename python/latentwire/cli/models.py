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
    from latentwire.checkpoint import DEFAULT_SPACE, SPACES_DIR, describe_parts
    from latentwire.errors import UsageError

    if folder is not None and not folder.is_dir():
        raise UsageError(f"folder {folder} does not exist")
    shipped = describe_parts(SPACES_DIR)
    found = describe_parts(folder) if folder is not None else []
    names = [*available_models(), BYTES]
    rows = [
        _row(name, DEFAULT_SPACE, [part for part in shipped if _name(part) == name])
        for name in names
    ]
    rows += [_row(_name(part), part.get("space"), [part]) for part in found]
    if json:
        print_json(rows)
    else:
        _print_rows(rows)
    _check_whole([part for row in rows for part in row["parts"]])


def _name(part: dict[str, Any]) -> str:
    """The part's model; its folder is called so too, should that be all that is known."""
    name: str = part.get("model", Path(part["folder"]).name)
    return name


def _row(name: str, space: str | None, parts: list[dict[str, Any]]) -> dict[str, Any]:
    whole = [part for part in parts if part["damage"] is None]
    return {
        "name": name,
        "sends": any(part["role"] == "encoder" for part in whole),
        "receives": any(part["role"] != "encoder" for part in whole),
        "space": space,
        "parts": parts,
    }


def _print_rows(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        verbs = " and ".join(verb for verb in ("sends", "receives") if row[verb])
        otherwise = "no part that is whole" if row["parts"] else "no trained part"
        typer.echo(f"{row['name']:<12} {verbs or otherwise}")
        for part in row["parts"]:
            if part["damage"] is not None:
                typer.echo(f"    damaged: {part['damage']}, {part['folder']}")
                continue
            typer.echo(
                f"    {part['role']}: {part['kind']}, {part['num_latents']} x "
                f"{part['latent_width']}, space {part['space']} {part['fingerprint'][:12]}, "
                f"{part['megabytes']:.1f} MB, {part['folder']}"
            )


def _check_whole(parts: list[dict[str, Any]]) -> None:
    """Have the command fail if a part is damaged, now that everything is listed.

    Raises:
        CheckpointError: If one is.
    """
    from latentwire.errors import CheckpointError

    damaged = [part for part in parts if part["damage"] is not None]
    if damaged:
        raise CheckpointError(
            f"damaged parts: {len(damaged)} of {len(parts)}, the first in {damaged[0]['folder']}: "
            f"{damaged[0]['damage']}",
            hint="start the command again that trained it, or download it again",
        )
