"""``latentwire send``: a text or a packet to one host, or to several for a joint answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from latentwire.cli.console import print_json, read_bytes, the_choices, the_text
from latentwire.cli.options import (
    Choices,
    CompressionWithoutTables,
    Device,
    EncoderFolder,
    Encoding,
    Json,
    LatentCount,
    Question,
    SenderModel,
    Text,
    refuse_options,
)
from latentwire.cli.packets import check_form
from latentwire.errors import UsageError

_ENCODED_HERE = ("model", "encoder", "device")
_ENCODED = ("via", *_ENCODED_HERE, "k", "encoding", "compression")
"""Parameters that say how a text is encoded."""


def send(
    context: typer.Context,
    to: Annotated[list[str], typer.Option(help="A receiving host; repeat for a joint answer.")],
    file: Annotated[str | None, typer.Argument(help="A UTF-8 text file; - for stdin.")] = None,
    text: Text = None,
    packet: Annotated[
        str | None, typer.Option(help="Send this packet file (- for stdin) instead of a text.")
    ] = None,
    via: Annotated[
        str | None, typer.Option(help="A host that encodes the text; default: encode it here.")
    ] = None,
    model: SenderModel = "tiny-llama",
    encoder: EncoderFolder = None,
    choices: Choices = None,
    question: Question = None,
    max_new_tokens: Annotated[int, typer.Option(help="Tokens to generate at most.")] = 32,
    k: LatentCount = None,
    encoding: Encoding = "int8",
    compression: CompressionWithoutTables = "none",
    device: Device = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for an answer.")] = 30.0,
    json: Json = False,
) -> None:
    """Send a text as a latent packet and print the answer."""
    from latentwire.answer import check_choices
    from latentwire.exchange import ask_jointly, connect
    from latentwire.exchange.address import parse_address
    from latentwire.exchange.client import check_new_tokens, check_timeout
    from latentwire.message import Packet
    from latentwire.resources import NO_RESOURCES
    from latentwire.text import check_text

    # Whatever is wrong with the request is found before a host is called, and whether the hosts are
    # there before a model is loaded.
    if packet is not None:
        refuse_options(
            context,
            _ENCODED,
            "says how a text is encoded, and a packet is sent as it is",
            "leave out {option}, or give a text in the place of --packet",
        )
    if via is not None:
        refuse_options(
            context,
            _ENCODED_HERE,
            "is for encoding here, and --via has a host encode the text",
            "leave out {option}, or --via",
        )
    if choices is not None:
        refuse_options(
            context,
            ["max_new_tokens"],
            "is for an answer that is written, and --choices are scored",
            "leave out {option}, or --choices",
        )
    for address in (*to, *([] if via is None else [via])):
        parse_address(address)
    check_timeout(timeout)
    check_new_tokens(max_new_tokens)
    options = the_choices(choices)
    if options is not None:
        check_choices(options)
    elif len(to) > 1:
        raise UsageError("a joint answer of several hosts needs --choices")
    content, ready = "", None
    if packet is not None:
        if text is not None or file is not None:
            raise UsageError("give a text or --packet, not both")
        ready = Packet.from_bytes(read_bytes(packet))
    else:
        content = the_text(text, file)
        check_text(content)
        check_form(k, encoding, "row", False, compression, NO_RESOURCES)
    settings: dict[str, Any] = {"k": k, "encoding": encoding, "compression": compression}
    encode: Callable[[], Packet]
    with ExitStack() as stack:
        hosts = [stack.enter_context(connect(address, timeout=timeout)) for address in to]
        if ready is not None:
            encode = lambda: ready  # noqa: E731 - the three ways side by side
        elif via is not None:
            encoding_host = stack.enter_context(connect(via, timeout=timeout))
            encode = lambda: encoding_host.encode(content, **settings)  # noqa: E731
        else:
            from latentwire.sender import Sender

            sender = Sender.from_pretrained(model, encoder=encoder, device=device)
            encode = lambda: sender.encode(content, **settings)  # noqa: E731
        started = time.perf_counter()
        message = encode()
        encoded = time.perf_counter()
        if options is None:
            result: dict[str, Any] = {
                "text": hosts[0].generate(message, question=question, max_new_tokens=max_new_tokens)
            }
            line = result["text"]
        else:
            answer = ask_jointly(hosts, message, question=question, choices=options)
            result = {"answer": answer.choice, "probabilities": answer.probabilities}
            line = f"{answer.choice}  ({answer.probability:.1%})"
        finished = time.perf_counter()
    if json:
        result["bytes"] = len(message)
        result["milliseconds"] = {
            "encode": round(1000 * (encoded - started), 2),
            "answer": round(1000 * (finished - encoded), 2),
        }
        print_json(result)
    else:
        typer.echo(line)
