"""Nested mappings as flat ones: metrics for TensorBoard, settings for comparing recipes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def flat(values: Mapping[str, Any], separator: str) -> dict[str, Any]:
    """What nested mappings hold, by the path of its keys."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            below = flat(value, separator)
            found |= {f"{key}{separator}{path}": leaf for path, leaf in below.items()}
        else:
            found[key] = value
    return found
