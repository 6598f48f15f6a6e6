"""Kinds of questions that can be asked of any text, not only of those of their tasks."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence

from latentwire.tasks.asked.base import Asked
from latentwire.tasks.base import Split, Task


class AnyTextQuestions(ABC):
    """Questions of one kind, asked of the texts of some tasks, or of any lists of texts.

    Attributes:
        kind: Name in recipes and tables.
        tasks: Whose texts are asked.
        same_label: Whether the texts of each label are a list of their own.
    """

    kind: str
    tasks: tuple[Task, ...]
    same_label: bool = False

    def load(
        self,
        split: Split,
        data_dir: str | os.PathLike[str] | None = None,
        *,
        limit: int | None = None,
        seed: int = 0,
    ) -> list[Asked]:
        """Ask the texts of a split; see `QuestionSet`."""
        pools: defaultdict[tuple[str, int | None], list[str]] = defaultdict(list)
        for task in self.tasks:
            for example in task.load(split, data_dir):
                pools[task.name, example.label if self.same_label else None].append(example.text)
        return self.ask(list(pools.values()), limit=limit, seed=seed)

    @abstractmethod
    def ask(
        self, pools: Sequence[Sequence[str]], *, limit: int | None = None, seed: int = 0
    ) -> list[Asked]:
        """Ask any texts.

        Args:
            pools: Lists of texts.
            limit: The most questions.
            seed: Another seed asks other questions, or others first.
        """
