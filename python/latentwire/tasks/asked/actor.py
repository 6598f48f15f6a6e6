"""Who did what? A name before a verb, e.g. ``"Roger Federer won"`` -> Who won?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from latentwire.tasks.asked.contrast import Candidate
from latentwire.tasks.asked.vocabulary import CALENDAR, FUNCTION_WORDS

# A whole name at the start of a clause: after another word it may be the end of a longer subject.
_ACTION = re.compile(
    r"(?:^|[.,;:)\"-] |\b(?:that|but|and|when|after|as|while|because|before) )"
    r"((?:[A-Z][\w-]+ ){1,3})"
    r"([a-z]{2,}ed|says|said|won|beat|took|made|hit|became|lost|left|got|led|held|met|sold|bought)\b"
)
_NO_NAMES = FUNCTION_WORDS | {"the", "it", "they", "two", "three", "if", "we"}
_NO_VERBS = frozenset({"need", "indeed", "speed"})


def actors(text: str) -> Iterator[Candidate]:
    """Subjects of a verb that the text uses so once."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, verb in _ACTION.findall(text):
        found[verb].add(name.strip())
    for verb, items in found.items():
        name = items.pop()
        if not items and verb not in _NO_VERBS and _is_name(name.split()):
            yield Candidate(f"Who {verb}", name)


def _is_name(words: list[str]) -> bool:
    return not any(word in CALENDAR or word.lower() in _NO_NAMES for word in words)
