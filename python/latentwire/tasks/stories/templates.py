"""Sentences of stories, by split and action. No sentence of one split can be made in another.

``{who}`` is a name or, where one person is in the story, a pronoun; ``{n}`` a number; ``{things}``
the noun that goes with it, ``{plural}`` its plural (sentences without either occur where there is
one kind of thing only); ``{other}`` the person who has more afterwards, or "a friend" where nobody
of the story does.
"""

from __future__ import annotations

from latentwire.tasks.base import Split

HAVE = "have"
"""Key of the sentences that state a first quantity."""

TEMPLATES: dict[Split, dict[str, tuple[str, ...]]] = {
    "train": {
        HAVE: (
            "{who} has {n} {things}.",
            "{who} had {n} {things}.",
            "{who} owns {n} {things}.",
            "At home {who} has {n} {things}.",
            "{who} has {n} {things} in a box.",
            "Today {who} has {n} {things}.",
            "We know that {who} has {n} {things}.",
        ),
        "buy": (
            "{who} buys {n} {things}.",
            "Then {who} buys {n} more {things}.",
            "{who} goes out and buys {n} {things}.",
            "{who} bought {n} more.",
        ),
        "find": (
            "{who} finds {n} {things}.",
            "Then {who} finds {n} more {things}.",
            "On the way {who} finds {n} {things}.",
            "{who} found {n} more.",
        ),
        "win": (
            "{who} wins {n} {things}.",
            "Then {who} wins {n} more {things}.",
            "In a game {who} wins {n} {things}.",
            "{who} won {n} more.",
        ),
        "lose": (
            "{who} loses {n} {things}.",
            "Then {who} loses {n} {things}.",
            "On the way {who} loses {n} {things}.",
            "{who} lost {n}.",
        ),
        "sell": (
            "{who} sells {n} {things}.",
            "Then {who} sells {n} {things}.",
            "{who} goes out and sells {n} {things}.",
            "{who} sold {n}.",
        ),
        "eat": (
            "{who} eats {n} {things}.",
            "Then {who} eats {n} {things}.",
            "At home {who} eats {n} {things}.",
            "{who} ate {n}.",
        ),
        "give": (
            "{who} gives {n} {things} to {other}.",
            "Then {who} gives {n} {things} to {other}.",
            "{who} gave {n} {things} to {other}.",
            "{who} gives {n} to {other}.",
        ),
        "share": (
            "{who} shares {n} {things} with {other}.",
            "Then {who} shares {n} {things} with {other}.",
            "{who} shared {n} {things} with {other}.",
            "{who} shares {n} with {other}.",
        ),
    },
    "validation": {
        HAVE: ("{who} has got {n} {things}.", "In a bag {who} has {n} {things}."),
        "buy": ("In town {who} buys {n} {things}.", "So {who} buys {n} more."),
        "find": ("In town {who} finds {n} {things}.", "So {who} finds {n} more."),
        "win": ("In town {who} wins {n} {things}.", "So {who} wins {n} more."),
        "lose": ("In town {who} loses {n} {things}.", "So {who} loses {n}."),
        "sell": ("In town {who} sells {n} {things}.", "So {who} sells {n}."),
        "eat": ("In town {who} eats {n} {things}.", "So {who} eats {n}."),
        "give": ("In town {who} gives {n} {things} to {other}.",),
        "share": ("In town {who} shares {n} {things} with {other}.",),
    },
    "test": {
        HAVE: (
            "{who} starts with {n} {things}.",
            "This is {who}, who has {n} {things}.",
            "In the house {who} has {n} {things}.",
        ),
        "buy": (
            "Later {who} buys {n} {things}.",
            "The next day {who} bought {n} new {things}.",
            "After that {who} buys {n} more.",
        ),
        "find": (
            "Later {who} finds {n} {things}.",
            "The next day {who} found {n} new {things}.",
            "After that {who} finds {n} more.",
        ),
        "win": (
            "Later {who} wins {n} {things}.",
            "The next day {who} won {n} new {things}.",
            "After that {who} wins {n} more.",
        ),
        "lose": (
            "Later {who} loses {n} {things}.",
            "The next day {who} lost {n} of the {plural}.",
            "After that {who} loses {n}.",
        ),
        "sell": (
            "Later {who} sells {n} {things}.",
            "The next day {who} sold {n} of the {plural}.",
            "After that {who} sells {n}.",
        ),
        "eat": (
            "Later {who} eats {n} {things}.",
            "The next day {who} ate {n} of the {plural}.",
            "After that {who} eats {n}.",
        ),
        "give": (
            "Later {who} gives {other} {n} {things}.",
            "The next day {who} gave {other} {n} of the {plural}.",
            "After that {who} gives {other} {n}.",
        ),
        "share": (
            "Later {who} shares {n} {things} with {other}.",
            "The next day {who} shared {n} of the {plural} with {other}.",
            "After that {who} shares {n} with {other}.",
        ),
    },
}
"""Split -> action -> sentences."""


def names_thing(template: str) -> bool:
    """Whether the sentence says what is counted."""
    return "{things}" in template or "{plural}" in template
