"""The label of a closed-answer task, as one question among others."""

from __future__ import annotations

import os
from dataclasses import dataclass

from latentwire.tasks.asked.base import Asked
from latentwire.tasks.base import Split, Task


@dataclass(frozen=True)
class LabelQuestions:
    """The question of a task, with its answers as choices; nothing is drawn.

    Attributes:
        task: The task; its name is the kind.
    """

    task: Task

    @property
    def kind(self) -> str:
        """The task's name."""
        return self.task.name

    def load(
        self,
        split: Split,
        data_dir: str | os.PathLike[str] | None = None,
        *,
        limit: int | None = None,
        seed: int = 0,  # noqa: ARG002 - the order of a task's rows is fixed
    ) -> list[Asked]:
        """Ask the texts of a split for their label; see `QuestionSet`."""
        choices = self.task.choices
        return [
            Asked(row.text, self.task.question, choices, choices[row.label], self.kind)
            for row in self.task.load(split, data_dir)[:limit]
        ]
