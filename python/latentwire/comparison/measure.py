"""One run of a row: trained for its minutes, then measured on test rows through real packets."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.progress import Progress

from latentwire.catalog import BYTES
from latentwire.comparison.links import measure_link
from latentwire.comparison.plan import Plan, Row
from latentwire.comparison.remembering import RememberingModel
from latentwire.comparison.results import HEARS, Figures, Result, settings_digest
from latentwire.errors import TrainingError
from latentwire.evaluation.figures import Evaluation
from latentwire.evaluation.records import Record
from latentwire.frozen import FrozenModel
from latentwire.models.size import num_parameters
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.training.command import run_projector, run_stages
from latentwire.training.joining import find_part
from latentwire.training.preflight import check_stages
from latentwire.training.projection.recipe import ProjectorRecipe
from latentwire.training.recipe import Recipe

logger = logging.getLogger(__name__)


class Measurer:
    """Runs rows one after the other; frozen models are loaded once.

    Args:
        plan: Says which test rows are measured.
        data_dir: Data folder.
        run_dir: Run folders go below it, and features that runs share.
    """

    def __init__(self, plan: Plan, data_dir: Path, run_dir: Path) -> None:
        self.plan = plan
        self.data_dir = data_dir
        self.run_dir = run_dir
        self._frozen: dict[str, FrozenModel] = {}

    def __call__(self, row: Row, seed: int, command: str) -> Result:
        """Train and measure one row with one seed.

        A run that does not stay finite is a result as well: it says so.

        Args:
            row: What is run.
            seed: Its seed.
            command: How it is run again.

        Raises:
            LatentwireError: See ``Trainer`` and ``Evaluation``.
        """
        recipe = row.load(seed)
        run_dir = self.run_dir / f"{_slug(row.group)}.{_slug(row.name)}.{seed}"
        last = recipe if isinstance(recipe, ProjectorRecipe) else recipe.stages[-1]
        result: dict[str, Any] = {
            "group": row.group,
            "row": row.name,
            "seed": seed,
            "settings": settings_digest(row, seed, self.plan),
            "command": command,
            "sender": last.sender,
            "batch_size": last.batch_size,
        }
        try:
            if isinstance(recipe, ProjectorRecipe):
                trained = run_projector(recipe, run_dir, self.data_dir)
            else:
                check_stages(recipe, recipe.stages, run_dir, self.data_dir)
                trained = run_stages(recipe, recipe.stages, run_dir, self.data_dir)
        except TrainingError as error:
            logger.warning("%s, seed %d: %s", row.name, seed, error)
            empty = {"steps": 0, "seconds": 0.0, "loss": 0.0, "packet_bytes": 0.0}
            return cast(
                Result, {**result, **empty, "parameters": {}, "figures": {}, "failed": str(error)}
            )
        if isinstance(recipe, ProjectorRecipe):
            measured = measure_link(recipe, run_dir, self.data_dir, self.plan.limits)
        else:
            measured = self._messages(recipe, run_dir, row.senders or (last.sender,))
        result |= {
            "steps": sum(stage["step"] for stage in trained),
            "seconds": round(sum(stage["seconds"] for stage in trained), 1),
            "loss": round(trained[-1]["loss"], 4),
            **measured,
        }
        return cast(Result, result)

    def _messages(self, recipe: Recipe, run_dir: Path, names: Sequence[str]) -> dict[str, Any]:
        """Parameters, size and figures of what a run trained, through packets."""
        senders, receivers = self._load(recipe, run_dir, names)
        records = self._evaluate(recipe, run_dir, senders, receivers)
        sizes = [record["packet_bytes"] for record in records if record["figure"] == "latent"]
        return {
            "parameters": {
                "encoder": num_parameters(senders[names[0]].encoder),
                "adapters": sum(
                    num_parameters(receiver.adapter) for receiver in receivers.values()
                ),
            },
            "packet_bytes": round(sum(sizes) / len(sizes), 1),
            "figures": _figures(records, names),
        }

    def _load(
        self, recipe: Recipe, run_dir: Path, names: Sequence[str]
    ) -> tuple[dict[str, Sender], dict[str, Receiver]]:
        """What a user would load of a run, and of the space that it joined."""
        senders = {
            name: Sender.from_pretrained(
                name,
                encoder=str(find_part("encoder", name, recipe.space, run_dir)),
                frozen=None if name == BYTES else self._open(name),
            )
            for name in names
        }
        receivers = {
            name: Receiver.from_pretrained(
                name,
                adapter=str(find_part("adapter", name, recipe.space, run_dir)),
                frozen=self._open(name),
            )
            for name in recipe.receivers
        }
        return senders, receivers

    def _open(self, name: str) -> FrozenModel:
        if name not in self._frozen:
            self._frozen[name] = RememberingModel.load(name)
        return self._frozen[name]

    def _evaluate(
        self,
        recipe: Recipe,
        run_dir: Path,
        senders: dict[str, Sender],
        receivers: dict[str, Receiver],
    ) -> list[Record]:
        """Whole messages and their controls; tasks of one limit at a time."""
        limits = {task: self.plan.limits.get(task) for task in recipe.tasks}
        records: list[Record] = []
        with Progress(console=Console(stderr=True), transient=True) as bars:
            for limit in set(limits.values()):
                evaluation = Evaluation(
                    run_dir / "evaluation",
                    self.data_dir,
                    senders,
                    receivers,
                    [task for task, own in limits.items() if own == limit],
                    bars,
                    limit=limit,
                )
                records += evaluation(["latent"])
        return records


def _figures(records: list[Record], names: Sequence[str]) -> Figures:
    found: Figures = {}
    for record in records:
        if record["figure"] == "joint":  # of two receivers
            continue
        pair = record["receiver"]
        if len(names) > 1:
            pair = f"{pair}{HEARS}{record['sender']}"
        of_receiver = found.setdefault(pair, {})
        of_receiver.setdefault(record["figure"], {})[record["task"]] = record["accuracy"]["percent"]
    return found


def _slug(name: str) -> str:
    """The name as part of a folder's: words between hyphens."""
    return re.sub(r"[^\w.]+", "-", name).strip("-")
