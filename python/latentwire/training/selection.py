"""Which of a stage's validations was the best, and whether it is time to stop."""

from __future__ import annotations

from typing import Any

from latentwire.training.recipe_sections import ValidationRecipe
from latentwire.training.validation import Figures, mean_of


class Selection:
    """Compares validations.

    Args:
        recipe: What is compared, and how many looks without a better one end the stage.
        state: What ``state`` gave before, to go on from.
    """

    def __init__(self, recipe: ValidationRecipe, state: dict[str, Any] | None = None) -> None:
        self.recipe = recipe
        self.state: dict[str, Any] = state or {"best": None, "best_step": 0, "looks_since": 0}

    def is_better(self, step: int, figures: Figures) -> bool:
        """Take a validation into account; says whether it is the best so far."""
        value = mean_of(figures, self.recipe.choose_by)
        best = self.state["best"]
        sign = 1 if self.recipe.choose_by == "accuracy" else -1
        if best is not None and sign * value <= sign * best:
            self.state["looks_since"] += 1
            return False
        self.state = {"best": value, "best_step": step, "looks_since": 0}
        return True

    @property
    def is_over(self) -> bool:
        """Whether so many looks brought nothing that the stage ends."""
        patience = self.recipe.patience
        return patience is not None and self.state["looks_since"] >= patience
