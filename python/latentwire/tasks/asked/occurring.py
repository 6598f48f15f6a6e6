"""Which of these names, numbers or words occurs in the text?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from latentwire.tasks.asked.contrast import Candidate
from latentwire.tasks.asked.vocabulary import CALENDAR, FUNCTION_WORDS

# Whole names after a lower-case word: a capitalized word that begins a sentence may be no name.
_NAME = re.compile(r"\b[a-z]+,? ([A-Z][a-z]{2,}(?: [A-Z][a-z]{2,}){0,2})(?![\w'-]| [A-Z])")
_NUMBER = re.compile(r"(?<![\w.,#$:/-])\d{1,4}(?![\w.,:/-]*\d)(?!\w)")
_WORD = re.compile(r"(?<![\w'-])[a-z]{4,12}(?![\w'-])")


def names(text: str) -> Iterator[Candidate]:
    """Names of one to three words, other than days and months."""
    for name in _NAME.findall(text):
        if not CALENDAR.intersection(name.split()):
            yield Candidate("Which name occurs", name, group=f"{len(name.split())} words")


def numbers(text: str) -> Iterator[Candidate]:
    """Whole numbers of one to four digits; distractors have as many."""
    for number in _NUMBER.findall(text):
        yield Candidate("Which number occurs", number, group=f"{len(number)} digits")


def words(text: str) -> Iterator[Candidate]:
    """Lower-case words that are not function words."""
    for word in _WORD.findall(text):
        if word not in FUNCTION_WORDS:
            yield Candidate("Which word occurs", word)
