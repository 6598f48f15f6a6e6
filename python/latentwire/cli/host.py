"""``latentwire host``: serve a sender, a receiver or both over gRPC."""

from __future__ import annotations

import json as jsonlib
from typing import Annotated, Literal

import typer

from latentwire.cli.options import Device, Json, Threads


def host(
    model: Annotated[
        str, typer.Option("--model", "-m", help="A shipped name, a folder, or a hub name.")
    ] = "tiny-qwen",
    listen: Annotated[
        str, typer.Option(help="Address to listen on; port 0 takes a free one.")
    ] = "127.0.0.1:50051",
    role: Annotated[
        Literal["auto", "sender", "receiver", "both"],
        typer.Option(help="What to serve; auto: whatever the model has trained parts for."),
    ] = "auto",
    encoder: Annotated[str | None, typer.Option(help="Folder of a trained encoder.")] = None,
    adapter: Annotated[str | None, typer.Option(help="Folder of a trained adapter.")] = None,
    device: Device = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Serve a model until interrupted. Prints one line on stdout when it is ready.

    There is no authentication yet: listen beyond 127.0.0.1 on trusted networks only.
    """
    from latentwire.exchange.address import check_can_listen

    check_can_listen(listen)  # before a model is loaded for it, or torch
    import torch

    from latentwire.exchange import create_server
    from latentwire.exchange.roles import load_roles

    if threads is not None:
        torch.set_num_threads(threads)
    sender, receiver = load_roles(model, role, encoder=encoder, adapter=adapter, device=device)
    running = create_server(sender, receiver, listen)
    roles = [name for name, part in (("sender", sender), ("receiver", receiver)) if part]
    if json:
        ready = {"address": running.address, "model": model, "roles": roles}
        typer.echo(jsonlib.dumps(ready))
    else:
        typer.echo(f"{model} is listening on {running.address} as {' and '.join(roles)}")
    running.wait()
