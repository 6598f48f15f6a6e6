"""``latentwire demo``: the whole path end to end, for a person or for a program."""

from __future__ import annotations

from typing import Annotated

import typer

from latentwire.cli.console import command_line, print_json, stderr, the_choices
from latentwire.cli.options import Encoding, Json, refuse_options


def demo(
    context: typer.Context,
    text: Annotated[
        list[str] | None, typer.Option(help="Your own sentence instead; may be repeated.")
    ] = None,
    choices: Annotated[
        str, typer.Option(help="Of --text: answers to choose from, by commas or as a JSON list.")
    ] = "negative,positive",
    question: Annotated[
        str | None, typer.Option(help='Of --text: what the receiver is asked, e.g. "Sentiment:".')
    ] = None,
    sender: Annotated[str, typer.Option(help="Model of the sending host.")] = "tiny-llama",
    receiver: Annotated[
        list[str] | None, typer.Option(help="Model of the receiving host; repeat to ask jointly.")
    ] = None,
    rows: Annotated[int, typer.Option(help="Sentences per task.", min=1, max=40)] = 12,
    k: Annotated[int, typer.Option("--k", help="Latents to send, from the first.")] = 1,
    encoding: Encoding = "sign",
    json: Json = False,
) -> None:
    """Start two hosts, send real sentences between them as packets, and show what arrives.

    One host has the sender, the other the receiver; each is a process of its own on loopback.
    """
    from contextlib import ExitStack

    from rich.console import Console
    from rich.live import Live

    from latentwire.answer import check_choices
    from latentwire.demo.hosts import check_latent_count, check_models, host_processes
    from latentwire.demo.run import DemoResult, run_demo
    from latentwire.demo.samples import Sample, load_samples
    from latentwire.demo.table import print_next_steps, print_summary, row_cells, rows_table
    from latentwire.exchange import connect
    from latentwire.text import check_question, check_text

    if text:
        refuse_options(
            context,
            ["rows"],
            "counts sentences that ship with the demonstration, and --text gives your own",
            "leave out {option}, or --text",
        )
    else:
        refuse_options(
            context,
            ["choices", "question"],
            "belongs to a sentence of your own, and there is no --text",
            'give the sentence as well: --text "..."',
        )
    receivers = receiver or ["tiny-qwen"]
    check_models(sender, receivers)
    check_latent_count(k)
    if text:
        options = the_choices(choices) or []
        check_choices(options)
        check_question(question)
        asked = question or ("Sentiment:" if options == ["negative", "positive"] else None)
        for own in text:
            check_text(own)
        samples = [Sample("yours", own, asked, tuple(options), None) for own in text]
    else:
        samples = load_samples(rows)

    out = stderr if json else Console(highlight=False)
    out.print(f"Starting hosts: {sender} sends, {' and '.join(receivers)} answers ...")
    commands = [["--model", sender, "--role", "sender", "--threads", "1"]]
    commands += [["--model", name, "--role", "receiver", "--threads", "1"] for name in receivers]
    result = DemoResult()
    with ExitStack() as stack:
        addresses = stack.enter_context(host_processes(commands))
        out.print(f"{sender} is on {addresses[0]}; {', '.join(addresses[1:])} answers.\n")
        hosts = [stack.enter_context(connect(address)) for address in addresses]
        latents = f"first {k} latents" if k > 1 else "first latent"
        caption = f"{sender} to {' and '.join(receivers)}, {latents} as {encoding}"
        answered = run_demo(hosts[0], hosts[1:], samples, k=k, encoding=encoding)
        if json:
            result.rows.extend(answered)
        elif out.is_terminal:
            with Live(
                rows_table(result, caption), console=out, vertical_overflow="visible"
            ) as live:
                for row in answered:
                    result.rows.append(row)
                    live.update(rows_table(result, caption))
        else:
            out.print(
                "sentence | right answer | latent | reads text | bytes | ms latent, text, relay"
            )
            for row in answered:
                result.rows.append(row)
                cells = [cell.plain for cell in row_cells(row)]
                print(" | ".join([cells[0][:60], *cells[1:]]), flush=True)  # noqa: T201
    if json:
        from latentwire.provenance import describe_run

        print_json(result.to_json(describe_run(command_line())))
        return
    out.print()
    print_summary(out, result)
    print_next_steps(out)
