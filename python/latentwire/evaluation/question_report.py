"""Questions as a table: a row for each kind, and what the message keeps of what reading gives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean, stdev

from latentwire.evaluation.question_figures import QuestionFigure
from latentwire.evaluation.statistics import RESAMPLING, Accuracy
from latentwire.provenance import describe_run

GOAL_PERCENT = 95
"""Of what the receiver reaches reading the text, what a message should reach."""


def write_question_report(
    figures: Sequence[QuestionFigure], output: Path, command: str, scope: str
) -> str:
    """Write ``questions.md`` and ``questions.json`` and give the Markdown.

    Args:
        figures: What was found.
        output: The folder.
        command: How the figures can be made again.
        scope: Which rows they are about, as a sentence.
    """
    about = {**describe_run(command), "bootstrap": RESAMPLING}
    others = Counter((f.kind, f.sender, f.receiver) for f in figures if f.path == "other seed")
    seeds = 1 + max(others.values(), default=0)
    over = f"Messages are of {seeds} seeds, mean and standard deviation. " if seeds > 1 else ""
    lines = [
        "# Questions that the sender never sees",
        "",
        f"{scope} Percent right. *Kept* is the message's share of what reading the text reaches, "
        f"where that is above the most frequent answer (95% interval). {over}Written by the "
        "command below; not edited.",
        "",
        *(f"- {key}: {value}" for key, value in about.items()),
        "",
    ]
    for sender, receiver in _pairs(figures):
        lines += [f"## {sender} to {receiver}", "", *_table(figures, sender, receiver), ""]
    text = "\n".join(lines)
    output.mkdir(parents=True, exist_ok=True)
    (output / "questions.md").write_text(text)
    plain = {"about": about, "scope": scope, "figures": [asdict(figure) for figure in figures]}
    (output / "questions.json").write_text(json.dumps(plain, indent=1) + "\n")
    return text


def _pairs(figures: Sequence[QuestionFigure]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((f.sender, f.receiver) for f in figures if f.sender))


def _table(figures: Sequence[QuestionFigure], sender: str, receiver: str) -> list[str]:
    found: dict[tuple[str, str], list[QuestionFigure]] = {}
    for figure in figures:
        if figure.receiver == receiver and figure.sender in ("", sender):
            found.setdefault((figure.kind, figure.path), []).append(figure)
    beside = any(path == "alone" for _, path in found)
    titles = "| kind | rows | most frequent answer | no message | zero message | other message "
    titles += "| **message** | reads the text | kept | bytes |"
    titles += " trained for it alone |" if beside else ""
    lines = [titles, "| --- " * (titles.count("|") - 1) + "|"]
    for kind in dict.fromkeys(kind for kind, _ in found):
        (latent,), (read,) = found[kind, "latent"], found[kind, "text"]
        messages = [latent, *found.get((kind, "other seed"), ())]
        reached = read.accuracy.percent
        # Of what is no better than a constant guess nothing can be kept.
        can_read = read.accuracy.low > read.majority_percent
        shares = [100 * message.accuracy.percent / reached for message in messages if can_read]
        controls = " | ".join(
            f"{found[kind, path][0].accuracy.percent:.1f}"
            for path in ("no message", "zero message", "other message")
        )
        alone = found.get((kind, "alone"))
        last = _with_interval(alone[0].accuracy) if alone else ""
        size = f"{latent.packet_bytes:,.0f}" if latent.packet_bytes else ""
        lines.append(
            f"| {kind} | {latent.accuracy.num_rows:,} | {latent.majority_percent:.1f} | {controls} "
            f"| {_message(messages)} "
            f"| {reached:.1f} | {_kept(shares)} | {size} |" + (f" {last} |" if beside else "")
        )
    return lines


def _message(seeds: Sequence[QuestionFigure]) -> str:
    """One seed with its interval, or the mean of several with their deviation."""
    if len(seeds) == 1:
        return _with_interval(seeds[0].accuracy, "**")
    percents = [figure.accuracy.percent for figure in seeds]
    return f"**{mean(percents):.1f}** ± {stdev(percents):.1f}"


def _kept(shares: Sequence[float]) -> str:
    if not shares:
        return "at chance"
    found = f"{mean(shares):.0f}%"
    return found if len(shares) == 1 else f"{found} ± {stdev(shares):.0f}"


def _with_interval(found: Accuracy, emphasis: str = "") -> str:
    percent = f"{emphasis}{found.percent:.1f}{emphasis}"
    return f"{percent} ({found.low:.1f} to {found.high:.1f})"
