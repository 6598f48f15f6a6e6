"""Texts that are set aside from training: whole texts, so that a repeated one is on one side."""

from __future__ import annotations

import random
from collections.abc import Iterable

from latentwire.tasks.base import VALIDATION_ROWS


def hold_out(texts: Iterable[str], salt: str) -> set[str]:
    """A tenth of the different texts, at most `VALIDATION_ROWS` of them, the same each time.

    Args:
        texts: All texts, in any order.
        salt: Another one holds out other texts.
    """
    distinct = sorted(set(texts))
    random.Random(f"held-out/{salt}").shuffle(distinct)  # noqa: S311 - not for secrets
    return set(distinct[: min(VALIDATION_ROWS, len(distinct) // 10)])
