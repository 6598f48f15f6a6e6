"""Results as tables: a line a row and receiver, mean and deviation over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from latentwire.comparison.plan import Group, Plan, Row
from latentwire.comparison.results import HEARS, Result, Results, spread
from latentwire.tasks import TASKS

NOT_MEASURED = "not measured"
_CONTROLS = ("zero message", "other message")


def write_tables(
    plan: Plan,
    rows: Sequence[Row],
    results: Results,
    references: Mapping[str, Mapping[str, float]],
    about: Mapping[str, str],
) -> str:
    """Markdown of a whole comparison.

    Args:
        plan: What was to be compared.
        rows: All its rows; those without results are listed as not measured.
        results: What is there.
        references: What models reach alone, in words -> task -> percent.
        about: Machine, versions, commit, command.
    """
    lines = [f"# {plan.title}", "", plan.note, ""]
    lines += [*(f"- {key}: {value}" for key, value in _about(about, rows, results, plan)), ""]
    lines += [
        f"- time of a row: {plan.minutes:g} min",
        f"- seeds: {', '.join(map(str, plan.seeds))}; mean ± sample deviation of those there are",
        f"- test rows: {_scope(plan)}",
        "",
    ]
    for group in plan.groups:
        own = [row for row in rows if row.group == group.name]
        lines += [f"## {group.name}", "", *_accuracies(own, results, plan, group), ""]
        controls = list(_controls(own, results, plan))
        if controls:
            lines += ["Controls: a message of zeros / another example's message.", ""]
            lines += [*_table(("row", "receiver", *TASKS), controls), ""]
    if references:
        cells = (
            [what, *(_percent(by_task.get(task)) for task in TASKS)]
            for what, by_task in references.items()
        )
        lines += ["## Models alone, on the same rows", "", *_table(("", *TASKS), cells), ""]
    lines += ["## Commands", "", *_commands(rows, results, plan), ""]
    return "\n".join(lines)


def _about(
    about: Mapping[str, str], rows: Sequence[Row], results: Results, plan: Plan
) -> Iterator[tuple[str, str]]:
    """What the last run was measured with, and every commit that one of the rows was."""
    commits = dict.fromkeys(
        result["commit"]
        for row in rows
        for result in results.of(row, plan.seeds)
        if "commit" in result
    )
    for key, value in about.items():
        yield (key, ", ".join(commits)) if key == "commit" and commits else (key, value)


def _scope(plan: Plan) -> str:
    cut = [f"the first {limit:,} of {task}" for task, limit in plan.limits.items()]
    whole = [task for task in TASKS if task not in plan.limits]
    return ", ".join([f"all of {', '.join(whole)}"] * bool(whole) + cut) + " (shuffled splits)"


def _accuracies(rows: Sequence[Row], results: Results, plan: Plan, group: Group) -> list[str]:
    head = ["row", "receiver", *TASKS, "steps", "parameters", "bytes", "runs"]
    if group.base is not None:
        head.append(f"of {group.base}")
    elif group.senders:
        head.append("of trained with it")
    cells = []
    for row in rows:
        found = results.of(row, plan.seeds)
        failed = [r for s in plan.seeds if (r := results.find(row, s)) and "failed" in r]
        if not found:
            why = f"failed: {failed[0]['failed']}" if failed else NOT_MEASURED
            cells.append([row.name, why, *[""] * (len(head) - 2)])
            continue
        ends = [
            f"{_mean([r['steps'] for r in found]):,.0f}",
            f"{next(iter(found[0]['parameters'].values())) / 1e6:.2f} M",
            f"{_mean([r['packet_bytes'] for r in found]):,.0f}",
            f"{len(found)}" + (f", {len(failed)} failed" if failed else ""),
        ]
        for receiver in found[0]["figures"]:
            by_task = (_over_seeds(found, receiver, "latent", task) for task in TASKS)
            base = receiver.partition(HEARS)[2] if group.senders else group.base
            beside = [r for row in rows if row.name == base for r in results.of(row, plan.seeds)]
            share = [] if base is None else [_share(found, beside, receiver)]
            cells.append([row.name, receiver, *by_task, *ends, *share])
    return _table(head, cells)


def _share(found: Sequence[Result], base: Sequence[Result], receiver: str) -> str:
    """What part of another row's accuracy a row has: mean over tasks, seed by seed.

    A task of which the other row has nothing right has no part, and is left out.
    """
    others = {result["seed"]: result["figures"].get(receiver, {}).get("latent") for result in base}
    shares = []
    for result in found:
        own, other = result["figures"][receiver]["latent"], others.get(result["seed"])
        parts = [own[task] / other[task] for task in own if other[task]] if other else []
        if parts:
            shares.append(100 * _mean(parts))
    return f"{spread(shares)}%" if shares else ""


def _controls(rows: Sequence[Row], results: Results, plan: Plan) -> Iterator[list[str]]:
    for row in rows:
        found = results.of(row, plan.seeds)
        for receiver in found[0]["figures"] if found else ():
            by_task = (
                " / ".join(_over_seeds(found, receiver, name, task) for name in _CONTROLS)
                for task in TASKS
            )
            yield [row.name, receiver, *by_task]


def _over_seeds(found: Sequence[Result], receiver: str, figure: str, task: str) -> str:
    return spread(
        [
            result["figures"][receiver][figure][task]
            for result in found
            if task in result["figures"][receiver][figure]
        ]
    )


def _commands(rows: Sequence[Row], results: Results, plan: Plan) -> Iterator[str]:
    for row in rows:
        for result in results.of(row, plan.seeds)[:1]:
            yield f"- {row.group}, {row.name}: `{result['command']}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _percent(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:.1f}"
