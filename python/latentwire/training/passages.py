"""Passages of running text without labels, for objectives that need none."""

from __future__ import annotations

import random
import re
from pathlib import Path

from latentwire.errors import UsageError
from latentwire.tasks.base import read_jsonl

CORPORA = {"wiki": "wiki/train.jsonl.zst"}
"""Corpus -> its file below the data folder: JSON objects with ``text``, a sentence a line."""

_MIN_LETTERS, _MAX_LETTERS = 40, 240
_PASSAGES_A_DOCUMENT = 8
# The corpus sets spaces around every token; tasks do not.
_SPACE_BEFORE = re.compile(r" (?=[.,;:!?%)\]]|'s\b|n't\b|'(?:re|ve|ll|d|m)\b)")
_SPACE_AFTER = re.compile(r"(?<=[($\[]) ")
_SPACED_HYPHEN = re.compile(r"(?<=\w) - (?=\w)")


def load_passages(corpus: str, data_dir: Path, count: int, seed: int) -> list[str]:
    """Draw passages of one or two sentences, 40 to 240 letters long.

    Args:
        corpus: A key of ``CORPORA``.
        data_dir: Data folder.
        count: How many; fewer come if the corpus holds fewer.
        seed: Which ones.

    Raises:
        UsageError: If the corpus is unknown or its file missing.
    """
    if corpus not in CORPORA:
        raise UsageError(f"unknown corpus {corpus!r}; known: {', '.join(CORPORA)}")
    path = data_dir / CORPORA[corpus]
    if not path.is_file():
        raise UsageError(f"corpus file {path} does not exist")
    rng = random.Random(f"{seed}-{corpus}")  # noqa: S311 - not for secrets
    passages: list[str] = []
    for document in read_jsonl(path):
        sentences = [_untokenized(line) for line in document["text"].split("\n")]
        starts = rng.sample(range(len(sentences)), min(_PASSAGES_A_DOCUMENT, len(sentences)))
        for start in sorted(starts):
            passage = " ".join(sentences[start : start + rng.randint(1, 2)])
            if _MIN_LETTERS <= len(passage) <= _MAX_LETTERS and "Section::" not in passage:
                passages.append(passage)
    rng.shuffle(passages)
    return passages[:count]


def _untokenized(line: str) -> str:
    line = _SPACE_AFTER.sub("", _SPACE_BEFORE.sub("", line))
    return _SPACED_HYPHEN.sub("-", line).strip(" ,;:.-") + "."
