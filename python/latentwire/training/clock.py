"""How far a stage is: by its steps, or by the minutes that it may take."""

from __future__ import annotations

import time
from typing import Protocol

from accelerate import Accelerator
from accelerate.utils import broadcast_object_list


class Timed(Protocol):
    """What has a length: a stage of a recipe, or the recipe of a projector."""

    @property
    def name(self) -> str:
        """What progress is shown under."""

    @property
    def steps(self) -> int:
        """The most steps it takes."""

    @property
    def minutes(self) -> float | None:
        """Minutes after which it ends; None: by steps alone."""


class StageClock:
    """Tells how many steps a stage comes to, so that schedules end where the stage does.

    Without ``minutes`` that is the recipe's number, whatever the time. With ``minutes`` it is what
    the pace so far leads to, at most the recipe's number, and the stage ends when the time is up.
    Where all is computed on a processor, time is what this thread has computed for, so that runs
    beside other work are given as much of it as alone.

    Args:
        stage: Whose ``steps`` and ``minutes`` count.
        accelerator: All processes go by the time of the first one, or they would end apart.
    """

    def __init__(self, stage: Timed, accelerator: Accelerator) -> None:
        self.steps = stage.steps
        self.limit = None if stage.minutes is None else 60 * stage.minutes
        self.accelerator = accelerator
        counts_computing = self.limit is not None and accelerator.device.type == "cpu"
        self._now = time.thread_time if counts_computing else time.monotonic
        self._before = 0.0
        self._started = self._now()
        self._share = 0.0

    def start(self, seconds: float) -> None:
        """Go on from so many seconds of a former run of the stage."""
        self._before, self._started = seconds, self._now()
        self.look()

    @property
    def seconds(self) -> float:
        """Seconds that the stage has run or, see above, computed for, former runs included."""
        return self._before + self._now() - self._started

    def look(self) -> None:
        """Read the time; what is said of a step is by the last reading."""
        if self.limit is None:
            return
        seconds = self.seconds
        if self.accelerator.num_processes > 1:
            seconds = float(broadcast_object_list([seconds])[0])
        self._share = min(1.0, seconds / self.limit)

    def total(self, step: int) -> int:
        """Steps of the whole stage, as it looks at a step."""
        if step == 0 or self._share == 0:
            return self.steps
        return min(self.steps, max(step + 1, round(step / self._share)))

    def is_over(self, step: int) -> bool:
        """Whether the stage ends before this step."""
        return step >= self.steps or self._share >= 1
