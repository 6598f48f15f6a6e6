"""Whether a stage goes on with what its run folder began: the same recipe, and the same rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from latentwire.errors import RecipeError
from latentwire.training.data import Rows
from latentwire.training.nested import flat
from latentwire.training.recipe import Recipe, Stage
from latentwire.training.state import read_progress

SETTINGS = "settings"  # in the progress that a state keeps
ROWS = "rows"

_MAY_CHANGE = {"engine", "steps", "minutes", "validation", "validation_rows"}
"""How the work is done, how long it goes on, and how often it is looked at."""


def settings_of(recipe: Recipe, stage: Stage) -> dict[str, Any]:
    """What must stay the same while a stage of a recipe is trained, by dotted key.

    Defaults are left out, so that a new field of recipes makes no state one of another recipe.
    """
    whole = {**_kept(recipe, {"stages"}), "stages": {stage.name: _kept(stage, set())}}
    return flat(whole, ".")


def projector_settings(recipe: BaseModel) -> dict[str, Any]:
    """The same of a projector's recipe, which has no stages."""
    return flat(_kept(recipe, set()), ".")


def digest_rows(rows: Rows) -> str:
    """BLAKE2b-64 of texts and labels, hexadecimal."""
    digest = hashlib.blake2b(json.dumps(rows.labels).encode(), digest_size=8)
    for text in rows.texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def check_same_run(folder: Path, settings: Mapping[str, Any], rows: str | None = None) -> None:
    """Refuse to go on with what another recipe, or the same on other rows, has begun.

    Args:
        folder: The stage's, below its run folder; it need not be there.
        settings: Of the recipe as it is now.
        rows: Digest of the training rows; None where they are not loaded yet.

    Raises:
        RecipeError: With the first key that differs.
    """
    progress = read_progress(folder) or {}
    hint = f"train into another run folder (--run-dir), or delete {folder} to start it again"
    former = progress.get(SETTINGS)
    if former is not None:
        for key in sorted({*former, *settings}):
            was, now = (_said(values, key) for values in (former, settings))
            if was != now:
                raise RecipeError(
                    f"{folder} holds a run of another recipe: {key} was {was} and is {now}",
                    hint=hint,
                )
    if rows is not None and progress.get(ROWS, rows) != rows:
        raise RecipeError(
            f"{folder} holds a run on other training rows: texts or labels differ", hint=hint
        )


def _kept(model: BaseModel, left_out: set[str]) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_defaults=True, exclude=_MAY_CHANGE | left_out)


def _said(values: Mapping[str, Any], key: str) -> str:
    return json.dumps(values[key]) if key in values else "left to its default"
