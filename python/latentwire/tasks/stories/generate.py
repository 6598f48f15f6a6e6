"""Stories from a seed, each by its number: no files, no end, the same on every machine.

First and last quantities are uniform among the numbers of one, two or three digits: the amount of
an event is what lies between two of them, so that no number is a good guess for an answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import lru_cache
from itertools import count

from latentwire.tasks.base import Split
from latentwire.tasks.stories.lexicon import ACTIONS, HE, Thing, names, things
from latentwire.tasks.stories.story import Event, Holding, Story
from latentwire.tasks.stories.templates import HAVE, TEMPLATES, names_thing

MAX_SENTENCES = 5
MAX_OPERATIONS = 2
"""The most events that change one quantity."""

_BANDS = ((1, 9), (10, 99), (100, 999))


def stories(split: Split, *, seed: int = 0, start: int = 0) -> Iterator[Story]:
    """All stories of a split from number ``start`` on, without end."""
    return (make_story(split, number, seed=seed) for number in count(start))


@lru_cache(maxsize=2**15)  # every kind of question asks the same stories
def make_story(split: Split, number: int, *, seed: int = 0) -> Story:
    """Story ``number``: a function of split, seed and number alone.

    One person with one or two kinds of things, two people with the same kind or one each, or three
    people with the same kind; then up to three events.
    """
    rng = random.Random(f"stories/{split}/{seed}/{number}")  # noqa: S311 - not for secrets
    num_people, num_things = rng.choice(((1, 1), (1, 2), (2, 1), (2, 1), (2, 2), (3, 1)))
    people = rng.sample(names(split), num_people)
    kinds = {thing.plural: thing for thing in rng.sample(things(split), num_things)}
    band = rng.choice(_BANDS)
    holdings = _first_quantities(people, list(kinds), band, rng)
    num_events = rng.randint(max(0, 2 - len(holdings)), min(3, MAX_SENTENCES - len(holdings)))
    if len(holdings) == 2 and rng.random() < 0.5:
        num_events = 2  # one for each
    events = _events(holdings, kinds, num_events, band, rng)
    return Story(
        _write(split, people, kinds, holdings, events, rng),
        tuple(dict.fromkeys(holding.person for holding in holdings)),
        tuple(holdings),
        tuple(events),
    )


def _first_quantities(
    people: list[str], kinds: list[str], band: tuple[int, int], rng: random.Random
) -> list[Holding]:
    size = max(len(people), len(kinds))
    owners = people * (size // len(people))
    owned = kinds * (size // len(kinds))
    # Different ones, so that "Who has 12?" has one answer.
    counts = rng.sample(range(band[0], band[1] + 1), size)
    return [Holding(*fact) for fact in zip(owners, owned, counts, strict=True)]


def _events(
    holdings: list[Holding],
    kinds: dict[str, Thing],
    num_events: int,
    band: tuple[int, int],
    rng: random.Random,
) -> list[Event]:
    """Events that keep every quantity within the band; no action occurs twice."""
    counts = {holding.owned: holding.count for holding in holdings}
    operations = dict.fromkeys(counts, 0)
    events: list[Event] = []
    while len(events) < num_events:
        free = [key for key in counts if operations[key] < MAX_OPERATIONS]
        if not free:
            break
        if rng.random() < 0.7:  # everybody in turn, so that nobody stands out
            fewest = min(operations[key] for key in free)
            free = [key for key in free if operations[key] == fewest]
        owned = rng.choice(free)
        target = rng.randrange(*band)
        target += target >= counts[owned]  # uniform among the others
        action = rng.choice(
            [
                action
                for action in ACTIONS.values()
                if all(event.action != action.name for event in events)
                and (action.sign > 0) == (target > counts[owned])
                and (not action.food_only or kinds[owned[1]].food)
            ]
        )
        amount = abs(target - counts[owned])
        others = [
            person
            for person, thing in counts
            if operations[person, thing] < MAX_OPERATIONS
            and thing == owned[1]
            and person != owned[0]
            and counts[person, thing] + amount <= band[1]
        ]
        recipient = rng.choice(others) if action.passes_on and others else None
        event = Event(action.name, *owned, amount, recipient)
        events.append(event)
        for key, change in event.changes.items():
            counts[key] += change
            operations[key] += 1
    return events


def _write(
    split: Split,
    people: list[str],
    kinds: dict[str, Thing],
    holdings: list[Holding],
    events: list[Event],
    rng: random.Random,
) -> str:
    facts: list[Holding | Event] = [*holdings, *events]
    sentences: list[str] = []
    for fact in facts:
        action = fact.action if isinstance(fact, Event) else HAVE
        templates = [
            template
            for template in TEMPLATES[split][action]
            if len(kinds) == 1 or names_thing(template)
        ]
        who = fact.person
        if len(people) == 1 and sentences and rng.random() < 0.5:
            who = "he" if who in HE else "she"
        sentence = rng.choice(templates).format(
            who=who,
            n=fact.count,
            things=kinds[fact.thing].named(fact.count),
            plural=fact.thing,
            other=(isinstance(fact, Event) and fact.recipient) or "a friend",
        )
        sentences.append(sentence[0].upper() + sentence[1:])
    return " ".join(sentences)
