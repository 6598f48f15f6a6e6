"""How the demonstration looks: a table that fills in, then what it comes to."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from latentwire.demo.run import DemoResult, RowResult

_LABELS = {
    "latent": "latent message",
    "text": "receiver reads the text itself",
    "text_relay": "text relay: sender writes 32 tokens, receiver reads them",
    "no_message": "control: no message",
    "other_message": "control: another example's message",
}


def rows_table(result: DemoResult, caption: str) -> Table:
    """One line per sentence."""
    table = Table(caption=caption, caption_justify="left", pad_edge=False, expand=True)
    table.add_column("sentence", ratio=1, no_wrap=True, overflow="ellipsis")
    for name in ("right answer", "latent", "reads text"):
        table.add_column(name, no_wrap=True)
    for name in ("bytes", "ms latent", "ms text", "ms relay"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in result.rows:
        table.add_row(*row_cells(row))
    return table


def row_cells(row: RowResult) -> list[Text]:
    """The cells of a sentence; right answers are green, wrong ones red."""
    milliseconds = [f"{row.milliseconds[path]:.0f}" for path in ("latent", "text", "text_relay")]
    return [
        Text(row.sample.text),
        Text(row.sample.right or "?"),
        _verdict(row, "latent"),
        _verdict(row, "text"),
        *map(Text, [f"{row.packet_bytes:,}", *milliseconds]),
    ]


def _verdict(row: RowResult, path: str) -> Text:
    answer = row.answers[path].choice
    if row.sample.right is None:
        return Text(f"{answer} {row.answers[path].probability:.0%}")
    return Text(answer, style="green" if row.is_right(path) else "red")


def print_summary(console: Console, result: DemoResult) -> None:
    """Accuracy of every path by task, bytes and milliseconds."""
    summary = result.summary()
    if summary["accuracy"]["latent"] is not None:
        table = Table(pad_edge=False)
        table.add_column("right answers")
        for task in result.tasks:
            count = sum(row.sample.task == task for row in result.rows)
            table.add_column(f"{task} ({count})", justify="right")
        table.add_column("median ms", justify="right")
        for path, label in _LABELS.items():
            shares = [summary["accuracy_by_task"][task][path] for task in result.tasks]
            median = summary["latency_ms"].get(path)
            table.add_row(
                label,
                *(f"{100 * share:.0f}%" for share in shares),
                "" if median is None else f"{median:.1f}",
            )
        console.print(table)
    latency, size = summary["latency_ms"], summary["bytes"]
    console.print(
        f"A packet took {size['packet']:,.0f} bytes on average, the text {size['text']:,.0f}. "
        f"The latent path took {latency['latent']:.1f} ms, "
        f"{latency['text_relay'] / latency['latent']:.1f} times as fast as the text relay "
        f"({latency['text_relay']:.1f} ms).",
        highlight=False,
    )


def print_next_steps(console: Console) -> None:
    """Where to look next."""
    console.print(
        "\nNext (in a checkout: source .venv/bin/activate):\n"
        '  latentwire demo --text "your own sentence"     the same path with your words\n'
        '  latentwire encode --text "..." -o m.lwp        a packet as a file\n'
        "  latentwire inspect m.lwp                       what it says, and its sizes\n"
        "  latentwire demo --k 4 --encoding int8          more latents, finer numbers\n"
        "  latentwire demo --receiver tiny-qwen --receiver tiny-llama\n"
        "                                                 two receivers, asked jointly\n"
        "  README.md: the Python snippet, and hosts of your own",
        highlight=False,
    )
