"""What a story says, as facts: who has how many of what at first, and what is done then."""

from __future__ import annotations

from dataclasses import dataclass

from latentwire.tasks.stories.lexicon import ACTIONS

Owned = tuple[str, str]
"""A person and the plural of a thing."""


@dataclass(frozen=True, slots=True)
class Holding:
    """``count`` things that a person has at first."""

    person: str
    thing: str
    count: int

    @property
    def owned(self) -> Owned:
        """Whose what."""
        return self.person, self.thing


@dataclass(frozen=True, slots=True)
class Event:
    """A person does something to a quantity of a thing that he has.

    Attributes:
        action: Key of `ACTIONS`.
        person: Who does it.
        thing: Plural of what it is done to.
        count: How many.
        recipient: The person of the story who has ``count`` more afterwards, or None.
    """

    action: str
    person: str
    thing: str
    count: int
    recipient: str | None = None

    @property
    def changes(self) -> dict[Owned, int]:
        """What it adds to whose things."""
        changes = {(self.person, self.thing): ACTIONS[self.action].sign * self.count}
        if self.recipient is not None:
            changes[self.recipient, self.thing] = self.count
        return changes


@dataclass(frozen=True, slots=True)
class Story:
    """A story and its facts.

    Attributes:
        text: Two to five sentences.
        people: Names, in the order in which the story brings them up.
        holdings: What everybody has at first, in the order of the text.
        events: What is done then, in the order of the text.
    """

    text: str
    people: tuple[str, ...]
    holdings: tuple[Holding, ...]
    events: tuple[Event, ...]

    def count(self, owned: Owned) -> int:
        """How many a person has in the end."""
        first = next(holding.count for holding in self.holdings if holding.owned == owned)
        return first + sum(event.changes.get(owned, 0) for event in self.events)

    def operations(self, owned: Owned) -> int:
        """How many events change the quantity."""
        return sum(owned in event.changes for event in self.events)

    def mentions(self, person: str) -> int:
        """How many facts name the person."""
        return sum(person == holding.person for holding in self.holdings) + sum(
            person in (event.person, event.recipient) for event in self.events
        )
