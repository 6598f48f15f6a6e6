"""How many? A number before a noun, e.g. ``"killed 12 people"`` -> How many people?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from latentwire.tasks.asked.contrast import Candidate
from latentwire.tasks.asked.vocabulary import FUNCTION_WORDS, NUMBER_WORDS

_COUNTED = re.compile(
    rf"(?<![\w.,$#-])(\d{{1,3}}|{'|'.join(NUMBER_WORDS)}) "
    r"(?:[a-z]+ )?([a-z]{3,}s|people|men|women|percent|children)\b",
    re.IGNORECASE,
)
_NO_NOUNS = FUNCTION_WORDS | {"others", "less", "loss"}


def counted(text: str) -> Iterator[Candidate]:
    """Numbers of a noun that the text counts once; number words are answered in digits."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for number, noun in _COUNTED.findall(text):
        found[noun.lower()].add(NUMBER_WORDS.get(number.lower(), number))
    for noun, items in found.items():
        if len(items) == 1 and noun not in _NO_NOUNS:
            yield Candidate(f"How many {noun}", items.pop())
