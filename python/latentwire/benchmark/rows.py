"""A row of a benchmark: a figure, and the target that it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Row", "Target", "at_least", "at_most"]


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on a figure.

    Attributes:
        sign: The side on which the figure has to lie; the bound itself is good enough.
        bound: In the unit of its row.
    """

    sign: Literal[">=", "<="]
    bound: float

    def is_met_by(self, value: float) -> bool:
        """Whether ``value`` lies on the right side."""
        return value >= self.bound if self.sign == ">=" else value <= self.bound

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


def at_least(bound: float) -> Target:
    """The figure has to be ``bound`` or more."""
    return Target(">=", bound)


def at_most(bound: float) -> Target:
    """The figure has to be ``bound`` or less."""
    return Target("<=", bound)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        name: What was measured, for example ``encode latentwire int8``.
        value: The figure; None if it could not be measured here, and then ``note`` says why.
        unit: ``us``, ``bytes``, ``x`` (a ratio) or ``MiB``.
        target: What it is held against; None: it is for comparison only.
        note: A few words for a person. Not part of the JSON.
    """

    name: str
    value: float | None
    unit: str
    target: Target | None = None
    note: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether the target is met; None if there is none, or no figure."""
        if self.target is None or self.value is None:
            return None
        return self.target.is_met_by(self.value)

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values; the target as text, for example ``">= 6"``."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "target": None if self.target is None else str(self.target),
            "ok": self.ok,
        }
