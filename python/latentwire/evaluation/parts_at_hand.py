"""Which parts are measured: the shipped ones, or those of a run and of the space it joined."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from latentwire.catalog import BYTES, available_models
from latentwire.checkpoint import PART_JSON, Part, part_folders, shipped_parts
from latentwire.errors import UsageError
from latentwire.models.registry import Role
from latentwire.receiver import Receiver
from latentwire.sender import Sender

_RECIPE = "recipe.json"

Located = dict[str, tuple[str, str | None]]
"""Name -> model and folder of its part; no folder where it is the shipped one."""


def locate_parts(role: Role, run_dir: Path | None) -> Located:
    """Parts that can be measured, by the names that tables have.

    Args:
        role: Encoders or adapters.
        run_dir: Run folder; parts that it does not have are those of the space that it joined.
            None: the shipped parts.

    Raises:
        UsageError: If there is no such part.
    """
    if run_dir is None:
        return {name: (name, None) for name in shipped_parts(role)}
    found: Located = {}
    for folder in _folders(run_dir):
        for path in sorted((folder / f"{role}s").glob(f"*/{PART_JSON}")):
            part = path.parent
            if part.name not in found:
                found[part.name] = (Part.load(part, role).model, str(part))
    if not found:
        raise UsageError(
            f"{run_dir} holds no {role}", hint="name a folder that latentwire train left"
        )
    return found


def open_senders(encoders: Located, names: Sequence[str] | None) -> dict[str, Sender]:
    """Load senders: those named, or all whose models are at hand.

    Raises:
        UsageError: If a name is unknown.
    """
    return {
        name: Sender.from_pretrained(model, encoder=part)
        for name, (model, part) in _chosen("sender", encoders, names).items()
    }


def open_receivers(adapters: Located, names: Sequence[str] | None) -> dict[str, Receiver]:
    """Load receivers: those named, or all whose models are at hand.

    Raises:
        UsageError: If a name is unknown.
    """
    return {
        name: Receiver.from_pretrained(model, adapter=part)
        for name, (model, part) in _chosen("receiver", adapters, names).items()
    }


def only_kind(run_dir: Path) -> str:
    """The kind of question, labels of a task among them, that a run was trained for.

    Raises:
        UsageError: If there is no such run, or it was trained for several kinds or none.
    """
    path = run_dir / _RECIPE
    try:
        recipe = json.loads(path.read_text())
        shares: dict[str, float] = recipe["tasks"] | recipe["questions"]
        # A recipe needs a task, which may have next to no share.
        kinds = [kind for kind, share in shares.items() if share > sum(shares.values()) / 100]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is not a run's recipe: {error}",
            hint="name a folder that latentwire train left",
        ) from error
    if len(kinds) != 1:
        raise UsageError(
            f"{path}: trained for {len(kinds)} kinds of questions, not for one alone",
            hint="train a recipe in which all other shares are 0",
        )
    return str(kinds[0])


def check_known(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a name that is not among those there are.

    Raises:
        UsageError: If one is not.
    """
    there = list(known)
    for name in names:
        if name not in there:
            raise UsageError(f"no {what} {name!r}", hint=f"there are: {', '.join(there)}")


def _folders(run_dir: Path) -> list[Path]:
    recipe = run_dir / _RECIPE
    found = json.loads(recipe.read_text()) if recipe.is_file() else {}
    return part_folders(run_dir, found.get("space", {}).get("joins"))  # a projector has no space


def _chosen(what: str, parts: Located, names: Sequence[str] | None) -> Located:
    """Those named; or all but shipped parts of models that are not installed."""
    check_known(what, names or (), parts)
    models = [*available_models(), BYTES]
    return {
        name: (model, part)
        for name, (model, part) in parts.items()
        if (name in names if names else part is not None or model in models)
    }
