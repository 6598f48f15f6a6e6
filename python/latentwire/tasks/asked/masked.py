"""Fill in a masked word between its neighbours, e.g. ``"a ___ film"``.

The context is what all texts of a contrast set share, so it cannot tell which word stood there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from latentwire.tasks.asked.contrast import Candidate
from latentwire.tasks.asked.vocabulary import FUNCTION_WORDS

MIN_WORDS = 6
"""Words of the shortest text that is asked: a phrase of three is nothing but its context."""

_TOKEN = re.compile(r"[a-z']+|[^\sa-z']+[^\s]*")
_WORD = re.compile(r"[a-z]{3,12}")


def masked(text: str) -> Iterator[Candidate]:
    """Lower-case content words whose neighbours stand so once in the text."""
    tokens = _TOKEN.findall(text)
    if len(tokens) < MIN_WORDS:
        return
    found: defaultdict[str, set[str]] = defaultdict(set)
    for left, word, right in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if all(_WORD.fullmatch(part) or part == "a" for part in (left, right)):
            found[f"Fill in {left} ___ {right}"].add(word)
    for stem, items in found.items():
        word = items.pop()
        if not items and _WORD.fullmatch(word) and word not in FUNCTION_WORDS:
            yield Candidate(stem, word)
