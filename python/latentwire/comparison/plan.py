"""What is compared: a typed YAML file of groups of recipes and changes to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from latentwire.errors import RecipeError, UsageError
from latentwire.tasks import TASKS
from latentwire.training.projection.recipe import ProjectorRecipe
from latentwire.training.recipe import Recipe
from latentwire.training.recipe_file import load_any_recipe
from latentwire.training.recipe_sections import Strict, nearest


class Group(Strict):
    """Rows of one table: what they have in common, and what each changes."""

    name: str
    recipe: str | None = None
    """Name of the recipe of every row; none: each row's own name is that of its recipe."""
    changes: list[str] = Field([])
    """Overrides for every row."""
    rows: dict[str, list[str]] = Field(min_length=1)
    """Row -> its overrides."""
    base: str | None = None
    """Row that the others are divided by."""
    senders: list[str] = Field([])
    """Senders that every row's receivers hear, trained with them or not; default: the row's own.
    Each row is then divided by the one that is named as the sender."""

    @model_validator(mode="after")
    def _check(self) -> Group:
        if self.base is not None and self.base not in self.rows:
            raise ValueError(f"base: no row {self.base!r}; {nearest(self.base, list(self.rows))}")
        if self.base is not None and self.senders:
            raise ValueError("senders: each is a base of its own; leave base out")
        return self


class Plan(Strict):
    """A comparison."""

    title: str
    note: str = ""
    recipes: Path
    """Folder of the recipes, from where the plan lies."""
    minutes: float = Field(gt=0)
    """Time that each row's stages have together; a recipe's own minutes say how they share it."""
    seeds: list[int] = Field(min_length=1)
    limits: dict[str, int] = Field({})
    """Task -> how many rows of its shuffled test split are measured; others are measured whole."""
    changes: list[str] = Field([])
    """Overrides for every row of every group."""
    groups: list[Group] = Field(min_length=1)

    @field_validator("limits")
    @classmethod
    def _known(cls, limits: dict[str, int]) -> dict[str, int]:
        for name, limit in limits.items():
            if name not in TASKS:
                raise ValueError(f"unknown task {name!r}; {nearest(name, list(TASKS))}")
            if limit < 2:
                raise ValueError(f"{name}: at least 2 rows: a control needs another one")
        return limits


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        group: Name of its group.
        name: Its own name.
        recipe: Path of its recipe.
        changes: Overrides, those of plan and group first.
        minutes: Time for all stages together.
        senders: Whom receivers hear; none: the sender of the last stage.
    """

    group: str
    name: str
    recipe: Path
    changes: tuple[str, ...]
    minutes: float
    senders: tuple[str, ...] = ()

    def load(self, seed: int) -> Recipe | ProjectorRecipe:
        """The recipe of one run: changes made, seed set, minutes shared out.

        Raises:
            RecipeError: If it does not fit the types, or a stage has no minutes.
        """
        recipe = load_any_recipe(self.recipe, [*self.changes, f"seed={seed}"])
        if isinstance(recipe, ProjectorRecipe):
            return recipe.model_copy(update={"minutes": self.minutes})
        for stage in recipe.stages:
            if stage.minutes is None:
                raise RecipeError(
                    f"{self.recipe}: stage {stage.name!r} has no minutes",
                    hint="rows are compared at equal time: give each stage its minutes",
                )
        factor = self.minutes / sum(stage.minutes or 0 for stage in recipe.stages)
        stages = [
            stage.model_copy(update={"minutes": factor * (stage.minutes or 0)})
            for stage in recipe.stages
        ]
        return recipe.model_copy(update={"stages": stages})


def load_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        UsageError: If the file is missing, is not YAML, or does not fit the types.
    """
    try:
        return Plan.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise UsageError(f"cannot read plan {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"plan {path} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"plan {path}: {place or 'file'}: {first['msg']}") from error


def rows_of(plan: Plan, path: Path) -> Iterator[Row]:
    """Every row of a plan that lies at a path, in its order."""
    for group in plan.groups:
        for name, changes in group.rows.items():
            yield Row(
                group.name,
                name,
                path.parent / plan.recipes / f"{group.recipe or name}.yaml",
                (*plan.changes, *group.changes, *changes),
                plan.minutes,
                tuple(group.senders),
            )
