"""The held-out sentences that ship with the package; ``samples.md`` says where they come from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

from latentwire.tasks import TASKS, Task

NUM_PER_TASK = 40
"""How many sentences of each task ship."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A sentence, the question asked about it and the right answer.

    Attributes:
        task: Name of the task, ``"sst2"`` or ``"ag_news"``; ``"yours"`` for a visitor's sentence.
        text: What the sender reads.
        question: What the receiver is asked.
        choices: Answers to choose from.
        right: The right answer; None if nobody knows it.
    """

    task: str
    text: str
    question: str | None
    choices: tuple[str, ...]
    right: str | None


def load_samples(num_per_task: int) -> list[Sample]:
    """The first rows of each task, the tasks taking turns so that a table shows both early."""
    by_task: dict[str, list[Sample]] = {}
    lines = (files("latentwire.demo") / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines):
        task: Task = TASKS[row["task"]]
        rows = by_task.setdefault(task.name, [])
        if len(rows) < num_per_task:
            right = task.label_to_answer[row["label"]]
            rows.append(Sample(task.name, row["text"], task.question, task.choices, right))
    return [sample for turn in zip(*by_task.values(), strict=True) for sample in turn]
