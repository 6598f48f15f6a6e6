"""Questions about generated stories: a stated quantity, who, what, and results of operations.

People and things of the story itself are the choices, so that knowing which names occur is not
enough. Whose fact is asked for is drawn first, evenly: neither who comes first nor who comes often
is a better guess than chance.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from latentwire.tasks.asked.base import Asked, among, generator
from latentwire.tasks.base import Split
from latentwire.tasks.stories import Story, make_story
from latentwire.tasks.stories.lexicon import ACTIONS

NUM_STORIES: dict[Split, int] = {"train": 20_000, "validation": 1_000, "test": 2_000}
"""Stories that a split has unless another number of questions is asked for."""

Fact = tuple[str, str]
"""A question without its choices, and the answer."""

_Ask = Callable[[Story, random.Random], "tuple[Fact, Sequence[str] | None] | None"]


@dataclass(frozen=True)
class StoryQuestions:
    """Questions of one kind about stories; one a story, where it has one.

    All kinds ask the same stories for the same seed.

    Attributes:
        kind: Name in recipes and tables.
        ask: Draws a fact of a story and the choices to ask with; None if it has none of this kind.
    """

    kind: str
    ask: _Ask

    def stream(self, split: Split, *, seed: int = 0, start: int = 0) -> Iterator[tuple[int, Asked]]:
        """Numbers of stories from ``start`` on that can be asked, and the question; endless."""
        number = start
        while True:
            asked = self.ask_story(make_story(split, number, seed=seed), number, seed)
            if asked is not None:
                yield number, asked
            number += 1

    def ask_story(self, story: Story, number: int, seed: int) -> Asked | None:
        """Ask one story, None if it has no fact of this kind."""
        rng = generator(seed, self.kind, number)
        found = self.ask(story, rng)
        if found is None:
            return None
        (stem, answer), choices = found
        if choices is None:
            return Asked(story.text, f"{stem}?", None, answer, self.kind)
        shuffled = tuple(rng.sample(list(choices), len(choices)))
        return Asked(story.text, among(stem, shuffled), shuffled, answer, self.kind)

    def load(
        self,
        split: Split,
        data_dir: str | os.PathLike[str] | None = None,  # noqa: ARG002 - stories need no files
        *,
        limit: int | None = None,
        seed: int = 0,
    ) -> list[Asked]:
        """The first ``limit`` questions, or those of `NUM_STORIES` stories; see `QuestionSet`."""
        rows = self.stream(split, seed=seed)
        if limit is not None:
            return [asked for _, asked in islice(rows, limit)]
        loaded = []
        for number, asked in rows:
            if number >= NUM_STORIES[split]:
                break
            loaded.append(asked)
        return loaded


def quantity(story: Story, rng: random.Random) -> tuple[Fact, None]:
    """A number as the story states it."""
    facts = [
        (f"How many {h.thing} does {h.person} have at first", str(h.count)) for h in story.holdings
    ]
    facts += [
        (f"How many {e.thing} does {e.person} {e.action}", str(e.count)) for e in story.events
    ]
    return rng.choice(facts), None


def result(operations: int) -> _Ask:
    """How many somebody has after so many operations on what he had."""

    def ask(story: Story, rng: random.Random) -> tuple[Fact, None] | None:
        facts = [
            (f"How many {h.thing} does {h.person} have now", str(story.count(h.owned)))
            for h in story.holdings
            if story.operations(h.owned) == operations
        ]
        return (rng.choice(facts), None) if facts else None

    return ask


def who_has(story: Story, rng: random.Random) -> tuple[Fact, Sequence[str]] | None:
    """Who of the people has it at first."""
    if len(story.people) == 1:
        return None
    holding = rng.choice(story.holdings)
    same_thing = len({h.thing for h in story.holdings}) == 1
    what = f"{holding.count} at first" if same_thing else holding.thing
    return (f"Who has {what}", holding.person), story.people


def who_did(story: Story, rng: random.Random) -> tuple[Fact, Sequence[str]] | None:
    """Who of the people does it; of stories that name everybody equally often, with one thing."""
    same_thing = len({holding.thing for holding in story.holdings}) == 1
    if len(story.people) == 1 or not same_thing or len(set(map(story.mentions, story.people))) > 1:
        return None
    facts: defaultdict[str, list[Fact]] = defaultdict(list)
    for event in story.events:
        if event.recipient is not None and event.action != "give":
            continue  # a question for the giver without one for the receiver would favour the giver
        stem = f"Who {ACTIONS[event.action].present} {event.thing}"
        facts[event.person].append((stem, event.person))
        if event.recipient is not None:
            facts[event.recipient].append((f"Who is given {event.thing}", event.recipient))
    return (rng.choice(facts[rng.choice(sorted(facts))]), story.people) if facts else None


def what(story: Story, rng: random.Random) -> tuple[Fact, Sequence[str]] | None:
    """What of the two kinds of things somebody has or does something with."""
    kinds = tuple(dict.fromkeys(holding.thing for holding in story.holdings))
    if len(kinds) == 1:
        return None
    thing = rng.choice(kinds)
    holding = next(h for h in story.holdings if h.thing == thing)
    stem = f"What does {holding.person} have"
    if len(story.people) > 1:  # each has one kind, so what is done with it says no more
        return (stem, thing), kinds
    # Asked only where something is done with both kinds equally often.
    events = [event for event in story.events if event.thing == thing]
    if 2 * len(events) == len(story.events) > 0 and rng.random() < 0.7:
        return (f"What does {holding.person} {rng.choice(events).action}", thing), kinds
    return (f"{stem} {holding.count} of at first", thing), kinds
