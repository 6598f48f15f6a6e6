"""Who and what stories are about. Splits share some names and things and have some of their own.

The words are short and frequent: the receivers that read them may be very small.
"""

from __future__ import annotations

from dataclasses import dataclass

from latentwire.tasks.base import Split


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is counted."""

    plural: str
    singular: str
    food: bool = False

    def named(self, count: int) -> str:
        """The noun that goes with a number."""
        return self.singular if count == 1 else self.plural


@dataclass(frozen=True, slots=True)
class Action:
    """Something that is done to a quantity.

    Attributes:
        name: Base form, as in "How many ducks does Janet buy?"; key of its templates.
        present: Third person, as in "Who buys ducks?".
        sign: 1 if the actor has more afterwards, -1 if fewer.
        food_only: Whether only food may be asked for.
        passes_on: Whether another person of the story may have more afterwards.
    """

    name: str
    present: str
    sign: int
    food_only: bool = False
    passes_on: bool = False


ACTIONS = {
    action.name: action
    for action in (
        Action("buy", "buys", 1),
        Action("find", "finds", 1),
        Action("win", "wins", 1),
        Action("lose", "loses", -1),
        Action("sell", "sells", -1),
        Action("eat", "eats", -1, food_only=True),
        Action("give", "gives", -1, passes_on=True),
        Action("share", "shares", -1, passes_on=True),
    )
}
"""Every action by name."""

_HE = "Tom Ben Sam Jack John Peter Paul Mark David James Adam Max Bob Bill George Joe Dan Tim"
HE = frozenset(_HE.split())
"""Names that stories call "he"; the others are "she"."""

_NAMES: dict[Split | None, str] = {
    None: "Tom Ben Jack John Peter Paul David James Anna Mary Jane Lucy Emma Alice Maria Rose",
    "train": "Sam Mark Bob Bill George Joe Sara Kate Amy Lily Janet Ann",
    "validation": "Adam Dan Nina Lisa",
    "test": "Max Tim Mia Susan Ella Karen",
}

_THINGS: dict[Split | None, tuple[Thing, ...]] = {
    None: (
        Thing("apples", "apple", food=True),
        Thing("eggs", "egg", food=True),
        Thing("cakes", "cake", food=True),
        Thing("ducks", "duck"),
        Thing("dogs", "dog"),
        Thing("birds", "bird"),
        Thing("books", "book"),
        Thing("cards", "card"),
        Thing("coins", "coin"),
        Thing("toys", "toy"),
    ),
    "train": (
        Thing("nuts", "nut", food=True),
        Thing("cookies", "cookie", food=True),
        Thing("cows", "cow"),
        Thing("horses", "horse"),
        Thing("cups", "cup"),
        Thing("balls", "ball"),
        Thing("pens", "pen"),
        Thing("hats", "hat"),
    ),
    "validation": (Thing("pears", "pear", food=True), Thing("boats", "boat")),
    "test": (
        Thing("oranges", "orange", food=True),
        Thing("cats", "cat"),
        Thing("chairs", "chair"),
        Thing("stars", "star"),
    ),
}


def names(split: Split) -> tuple[str, ...]:
    """Names that occur in the stories of a split."""
    return tuple(f"{_NAMES[None]} {_NAMES[split]}".split())


def things(split: Split) -> tuple[Thing, ...]:
    """Things that occur in the stories of a split."""
    return _THINGS[None] + _THINGS[split]
