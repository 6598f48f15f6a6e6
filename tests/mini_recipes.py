"""Recipes of a few steps on random models, as data: tests say what they change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SPACE = {"name": "mini", "num_latents": 4, "latent_width": 32}


def mini_stage(sender: str, **changes: Any) -> dict[str, Any]:
    """A stage that founds a space from a sender's layer 1."""
    return {
        "name": "found",
        "sender": sender,
        "layer": 1,
        "encoder": {"depth": 1, "num_heads": 4},
        "train": ["encoder", "adapters"],
        "objectives": {"label_likelihood": 1.0},
        "steps": 4,
        "batch_size": 6,
        "validation": {"rows": 4},
        **changes,
    }


def mini_recipe(
    receivers: Sequence[str], stages: Sequence[dict[str, Any]], **changes: Any
) -> dict[str, Any]:
    """A recipe of two tasks for these receivers.

    In float32 unless the changes say otherwise: what is compared to rounding must not depend on
    whether a processor computes in bfloat16.
    """
    return {
        "space": SPACE,
        "receivers": list(receivers),
        "tasks": {"sst2": 0.5, "trec": 0.5},
        "stages": list(stages),
        **changes,
        "engine": {"precision": "fp32", **changes.get("engine", {})},
    }
