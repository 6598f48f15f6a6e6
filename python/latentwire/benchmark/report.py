"""Rows as a table for a person."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from latentwire.benchmark.rows import Row

__all__ = ["rows_table", "value_text"]

_DECIMALS = {"us": 1, "bytes": 0, "x": 2, "MiB": 2}


def rows_table(rows: Iterable[Row], caption: str) -> Table:
    """One line a row; targets that are met are green, missed ones red."""
    table = Table(caption=caption, caption_justify="left", pad_edge=False)
    table.add_column("figure")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("target", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("note")
    for row in rows:
        target = "" if row.target is None else str(row.target)
        cells = [row.name, value_text(row), row.unit, target]
        # As text: "latentwire[bench]" in a note would be taken for markup.
        table.add_row(*map(Text, cells), _verdict(row), Text(row.note))
    return table


def value_text(row: Row) -> str:
    """The figure with as many decimals as its unit is worth; a dash where there is none."""
    if row.value is None:
        return "-"
    return f"{row.value:,.{_DECIMALS.get(row.unit, 2)}f}"


def _verdict(row: Row) -> Text:
    if row.ok is None:
        return Text()
    return Text("met", style="green") if row.ok else Text("missed", style="red")
