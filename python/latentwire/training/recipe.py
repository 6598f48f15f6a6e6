"""The typed recipe: what is trained, on what, for how long. Unknown keys are refused by name."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from latentwire.errors import RecipeError
from latentwire.tasks import TASKS
from latentwire.training.passages import CORPORA

Trainable = Literal["encoder", "adapters"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SpaceRecipe(_Strict):
    """The latent space that the parts will speak."""

    name: str
    num_latents: int = Field(32, ge=1, le=1024)
    latent_width: int = Field(256, ge=8)
    encoding: Literal["f32", "f16", "bf16", "int8"] = "int8"


class EncoderRecipe(_Strict):
    """Geometry of the encoder; keys that do not apply to its kind are refused when it is built."""

    depth: int = Field(2, ge=1)
    multiple: int = Field(2, ge=1)
    num_heads: int = Field(8, ge=1)


class Objective(_Strict):
    """An objective's weight in the loss, and the part of the run in which it counts."""

    weight: float = Field(0.0, ge=0)
    start: float = Field(0.0, ge=0, lt=1)
    """Share of the steps before it."""
    end: float = Field(1.0, gt=0, le=1)
    """Share of the steps after which it is left out again."""

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, value: Any) -> Any:
        return {"weight": value} if isinstance(value, int | float) else value

    @model_validator(mode="after")
    def _check(self) -> Objective:
        if self.start >= self.end:
            raise ValueError(f"starts at {self.start} of the run and ends at {self.end}")
        return self

    def at(self, progress: float) -> float:
        """The weight at a share of the steps, 0 to 1."""
        return self.weight if self.start <= progress < self.end else 0.0


class Objectives(_Strict):
    """Each objective by a number, its weight, or with a schedule; 0 leaves it out."""

    label_likelihood: Objective = Objective()
    latent_distillation: Objective = Objective()
    message_distillation: Objective = Objective()

    @property
    def need_teacher(self) -> list[str]:
        """Those in use that compare with another encoder's latents."""
        return [
            name
            for name in ("latent_distillation", "message_distillation")
            if getattr(self, name).weight
        ]


class Stage(_Strict):
    """One training run: one sender's encoder, alone or with the adapters."""

    name: str
    sender: str
    layer: int | None = None
    encoder: EncoderRecipe = EncoderRecipe()
    train: list[Trainable]
    objectives: Objectives
    teacher: str | None = None
    steps: int = Field(ge=1)
    batch_size: int = Field(64, ge=1)
    learning_rate: float = Field(2e-3, gt=0)
    warmup_steps: int = Field(30, ge=1)
    token_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the sender's positions that the encoder does not see, drawn anew for every row."""
    unlabeled: dict[str, float] = {}
    """Share of corpora without labels in a batch, beside the tasks' shares; such rows count in the
    objectives that need no labels."""
    unlabeled_passages: int = Field(40_000, ge=1)
    """How many passages of each corpus are used."""
    length_groups: int = Field(1, ge=1)
    """Rows are drawn for this many batches at once, and a batch is those of like length: less of a
    batch is padding. Which rows are seen how often stays the same."""
    weight_bits: Literal[4, 8, 16] = 8
    """Storage of the trained weights; 4 bits are trained for in the last 40% of the steps."""

    @model_validator(mode="after")
    def _check(self) -> Stage:
        learned = self.objectives.need_teacher
        if learned and self.teacher is None:
            raise ValueError(f"{learned[0]} needs a teacher: the sender to learn from")
        if not (learned or self.objectives.label_likelihood.weight):
            raise ValueError("objectives: at least one weight must be above 0")
        for corpus in self.unlabeled:
            if corpus not in CORPORA:
                known = ", ".join(CORPORA)
                raise ValueError(f"unlabeled: unknown corpus {corpus!r}; known: {known}")
        if self.unlabeled and not learned:
            raise ValueError("unlabeled rows need an objective without labels, and a teacher")
        return self


class Recipe(_Strict):
    """A latent space and the stages that train its parts, in order."""

    seed: int = 1
    space: SpaceRecipe
    receivers: list[str] = Field(min_length=1)
    tasks: dict[str, float]
    """Share of each task in a batch; they need not sum to one."""
    full_length_share: float = Field(0.3, ge=0, le=1)
    """Share of batches with all K latents; the others have a random prefix (nested dropout)."""
    generic_question_share: float = Field(0.2, ge=0, le=1)
    """Share of rows that are asked the generic question instead of the task's."""
    stages: list[Stage] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Recipe:
        for name in self.tasks:
            if name not in TASKS:
                near = difflib.get_close_matches(name, TASKS, n=1)
                raise ValueError(
                    f"tasks: unknown task {name!r}"
                    + (f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(TASKS)}")
                )
        folders = [Path(name).name for name in self.receivers]
        for name in folders:
            if folders.count(name) > 1:
                raise ValueError(
                    f"receivers: two are named {name!r}; their parts would share a folder"
                )
        return self

    def stage(self, name: str) -> Stage:
        """The stage of a name.

        Raises:
            RecipeError: If there is none.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise RecipeError(
            f"the recipe has no stage {name!r}",
            hint=f"its stages: {', '.join(stage.name for stage in self.stages)}",
        )


def load_recipe(path: Path, overrides: list[str] | None = None) -> Recipe:
    """Read a recipe and apply ``dotted.key=value`` overrides; list items go by index.

    Raises:
        RecipeError: If the file is missing, is not YAML, or does not fit the types.
    """
    if not path.is_file():
        raise RecipeError(f"recipe {path} does not exist")
    try:
        data = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise RecipeError(f"recipe {path} is not YAML: {error}") from error
    for override in overrides or []:
        _apply(data, override)
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise RecipeError(f"recipe {path}: {_explain(error)}") from error


def _apply(data: Any, override: str) -> None:
    key, separator, value = override.partition("=")
    if not separator:
        raise RecipeError(f"override {override!r} is not of the form key=value")
    parts = key.split(".")
    target = data
    try:
        for part in parts[:-1]:
            target = target[int(part)] if isinstance(target, list) else target.setdefault(part, {})
        if isinstance(target, list):
            target[int(parts[-1])] = yaml.safe_load(value)
        else:
            target[parts[-1]] = yaml.safe_load(value)
    except (IndexError, ValueError, AttributeError, TypeError) as error:
        raise RecipeError(f"override {override!r} names no place in the recipe") from error


def _explain(error: ValidationError) -> str:
    """The first problem in one line, with the nearest known key for an unknown one."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{place or 'recipe'}: {first['msg']}"
    known = _keys_at(first["loc"][:-1])
    near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
    suggestion = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
    return f"unknown key {place!r}; {suggestion}"


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Recipe
    for part in location:
        if isinstance(part, str):
            model = {
                "space": SpaceRecipe,
                "stages": Stage,
                "encoder": EncoderRecipe,
                "objectives": Objectives,
                **dict.fromkeys(Objectives.model_fields, Objective),
            }.get(part, model)
    return list(model.model_fields)
