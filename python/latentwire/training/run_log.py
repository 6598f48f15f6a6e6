"""What a stage tells while it runs: ``metrics.jsonl``, TensorBoard, a progress bar."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import Progress

from latentwire.durable import room_for, write_whole
from latentwire.training.clock import Timed
from latentwire.training.nested import flat

METRICS = "metrics.jsonl"
TENSORBOARD = "tensorboard"


class RunLog:
    """Writes what is measured; a resumed run goes on where its state was saved.

    Args:
        folder: Of the stage.
        stage: What runs.
        step: At which it starts or goes on; lines of later steps were of a run that was cut.
        is_main: Whether this is the process that tells; the others are silent.

    Raises:
        DiskFullError: If there is no room, here or in ``write`` or at the end.
    """

    def __init__(self, folder: Path, stage: Timed, step: int, *, is_main: bool) -> None:
        self.path = folder / METRICS
        self.board_folder = folder / TENSORBOARD
        self.name = stage.name
        self.is_main = is_main
        self.board: Any = None
        self.bars = Progress(console=Console(stderr=True), disable=not is_main)
        self.bar = self.bars.add_task(stage.name, total=stage.steps, completed=step)
        if not is_main:
            return
        kept = [line for line in read_metrics(folder) if line["step"] <= step]
        write_whole(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        if importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            with room_for(self.board_folder):
                self.board = SummaryWriter(self.board_folder, purge_step=step + 1)

    def __enter__(self) -> RunLog:
        self.bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bars.stop()
        if self.board is None:
            return
        # What ended the run is the error to be told, not what follows from it.
        untold = () if error is None else (Exception,)
        with suppress(*untold), room_for(self.board_folder):
            self.board.close()

    def advance(self, step: int, total: int) -> None:
        """Move the bar, which ends at ``total``."""
        self.bars.update(self.bar, completed=step, total=total)

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """One line of metrics; numbers go to TensorBoard as well.

        Raises:
            DiskFullError: If there is no room.
        """
        if not self.is_main:
            return
        with room_for(self.path), self.path.open("a") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        if "loss" in values:
            self.bars.update(self.bar, description=f"{self.name}, loss {values['loss']:.3f}")
        if self.board is not None:
            with room_for(self.board_folder):
                for name, value in numbers(values).items():
                    self.board.add_scalar(name, value, step)


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of a stage's metrics; none if there is no such file."""
    path = folder / METRICS
    lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
    # What was cut while it was written has no end of line.
    return [json.loads(line) for line in lines if line.endswith("\n")]


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Nested numbers by a path of names; everything else is left out."""
    found = flat(values, "/")
    return {name: value for name, value in found.items() if isinstance(value, int | float)}
