"""Whole numbers that callers give: Python's, NumPy's, whatever else says that it is one."""

from __future__ import annotations

import operator
from typing import Any


def as_int(value: Any) -> int | None:
    """The int of a whole number; None of anything else, of a truth value too."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None
