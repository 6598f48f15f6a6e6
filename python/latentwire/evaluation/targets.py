"""Targets: what figures are held against, read from a JSON file. Needs ``latentwire[eval]``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from latentwire.errors import UsageError
from latentwire.evaluation.comparisons import better, difference, is_comparable
from latentwire.evaluation.records import Record, matches, path_name
from latentwire.tasks import TASKS

Verdict = Literal["met", "missed", "not measured"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reference(_Strict):
    """A bound that another figure of the same rows, sender and receiver sets."""

    where: dict[str, Any]
    """Values of the other record; of several that have them the best one counts."""
    minus: float = Field(ge=0)
    """Points below it that are still good."""


class Target(_Strict):
    """A bound for every record that has the values ``where``, by one of three rules."""

    what: str
    where: dict[str, Any]
    tasks: list[str] = list(TASKS)
    at_least: dict[str, float] | None = None
    """Percent per task; other tasks have no bound."""
    no_less_than: Reference | None = None
    no_more_than_majority: float | None = None
    """Points above the share of the most frequent answer that are still good."""
    needed: int | None = Field(None, ge=1)
    """On how many of the tasks the bound must hold; default: on all, each a target of its own."""

    @model_validator(mode="after")
    def _check(self) -> Target:
        rules = (self.at_least, self.no_less_than, self.no_more_than_majority)
        if sum(rule is not None for rule in rules) != 1:
            raise ValueError("give one of at_least, no_less_than and no_more_than_majority")
        for name in (*self.tasks, *(self.at_least or ())):
            if name not in TASKS:
                raise ValueError(f"unknown task {name!r}; known: {', '.join(TASKS)}")
        return self


@dataclass(frozen=True)
class Held:
    """A figure beside its target.

    Attributes:
        what: What the target is about, with the path.
        task: The task, or ``"k of n tasks"`` where a sum over tasks is the target.
        target: The bound in words.
        found: The figure in words; empty if there is none.
        verdict: ``met`` or ``missed`` by the point estimate; the interval stands in ``found``.
    """

    what: str
    task: str
    target: str
    found: str
    verdict: Verdict


def load_targets(path: Path) -> list[Target]:
    """Read a targets file.

    Raises:
        UsageError: If it cannot be read, is not JSON, or does not fit the types.
    """
    try:
        return TypeAdapter(list[Target]).validate_json(path.read_text())
    except OSError as error:
        raise UsageError(f"cannot read targets {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"targets {path}: {place or 'file'}: {first['msg']}") from error


def hold(records: Sequence[Record], targets: Sequence[Target]) -> list[Held]:
    """Every target beside what was found, in the order of the targets."""
    return [held for target in targets for held in _hold(records, target)]


def _hold(records: Sequence[Record], target: Target) -> Iterator[Held]:
    paths: dict[str, list[Held]] = {}
    tasks = [task for task in target.tasks if target.at_least is None or task in target.at_least]
    for task in tasks:
        chosen = [r for r in records if r["task"] == task and matches(r, target.where)]
        if not chosen:
            yield Held(target.what, task, _bound(target, task), "", "not measured")
        for record in chosen:
            held = _judge(record, target, records)
            paths.setdefault(held.what, []).append(held)
            yield held
    if target.needed is None:
        return
    for what, rows in paths.items():
        count = sum(row.verdict == "met" for row in rows)
        is_open = len(tasks) - sum(row.verdict == "missed" for row in rows) >= target.needed
        verdict: Verdict = "not measured" if is_open else "missed"
        if count >= target.needed:
            verdict = "met"
        scope = f"{target.needed} of {len(tasks)} tasks"
        yield Held(what, scope, f"met on {target.needed}", f"met on {count}", verdict)


def _judge(record: Record, target: Target, records: Sequence[Record]) -> Held:
    """One record against one target."""
    task, percent = record["task"], record["accuracy"]["percent"]
    what, found = f"{target.what}: {path_name(record)}", f"{percent:.2f}"
    if target.at_least is not None:
        bound, is_met = target.at_least[task], percent >= target.at_least[task]
        return Held(what, task, f"at least {bound:g}", found, "met" if is_met else "missed")
    if target.no_more_than_majority is not None:
        majority = record["majority_percent"]
        text = f"at most {majority:.2f} + {target.no_more_than_majority:g}"
        is_met = percent <= majority + target.no_more_than_majority
        return Held(what, task, text, found, "met" if is_met else "missed")
    assert target.no_less_than is not None
    where = target.no_less_than.where
    references = [r for r in records if is_comparable(record, r) and matches(r, where)]
    if not references:
        return Held(what, task, _bound(target, task), found, "not measured")
    reference = better(references)
    apart = difference(record, reference)
    text = f"at least {reference['accuracy']['percent']:.2f} - {target.no_less_than.minus:g}"
    found += f" ({apart.points:+.2f}, {apart.low:+.2f} to {apart.high:+.2f})"
    is_met = apart.points >= -target.no_less_than.minus
    return Held(what, task, text, found, "met" if is_met else "missed")


def _bound(target: Target, task: str) -> str:
    """The bound in words where nothing was found."""
    if target.at_least is not None:
        return f"at least {target.at_least[task]:g}"
    if target.no_less_than is not None:
        where = ", ".join(str(value) for value in target.no_less_than.where.values())
        return f"at least {where} - {target.no_less_than.minus:g}"
    return f"at most majority + {target.no_more_than_majority:g}"
