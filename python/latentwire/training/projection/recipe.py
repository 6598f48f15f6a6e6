"""Recipe of a projector. There is no latent space: it fits one sender and one receiver."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from latentwire.tasks import TASKS
from latentwire.training.recipe_sections import EngineRecipe, Strict, nearest


class ProjectorSection(Strict):
    """Geometry of the projector; all else follows from the two models."""

    inner_width: int = Field(256, ge=1)


class ProjectorRecipe(Strict):
    """One training run; keys mean what they mean in a stage of a ``Recipe``."""

    name: str = "project"
    seed: int = 1
    sender: str
    """A causal model: it must have keys and values."""
    receiver: str
    projector: ProjectorSection
    tasks: dict[str, float] = Field(min_length=1)
    generic_question_share: float = Field(0.2, ge=0, le=1)
    steps: int = Field(ge=1)
    minutes: float | None = Field(None, gt=0)
    batch_size: int = Field(64, ge=1)
    length_groups: int = Field(1, ge=1)
    optimizer: Literal["muon", "adamw"] = "muon"
    learning_rate: float = Field(2e-3, gt=0)
    warmup_steps: int = Field(30, ge=1)
    weight_decay: float = Field(0.01, ge=0)
    max_gradient_norm: float = Field(1.0, gt=0)
    weight_bits: Literal[8, 16] = 8
    validation_rows: int = Field(200, ge=1)
    """Rows of each task that the saved projector is measured on."""
    engine: EngineRecipe = EngineRecipe()

    @field_validator("tasks")
    @classmethod
    def _known(cls, tasks: dict[str, float]) -> dict[str, float]:
        for name in tasks:
            if name not in TASKS:
                raise ValueError(f"unknown task {name!r}; {nearest(name, list(TASKS))}")
        return tasks

    @model_validator(mode="after")
    def _check(self) -> ProjectorRecipe:
        if self.engine.accumulation > 1 or self.engine.strategy != "ddp":
            raise ValueError("engine: a projector is trained whole, by one process")
        return self


def projector_folder(recipe: ProjectorRecipe) -> Path:
    """Where the projector of a pair lies, below the run folder."""
    return Path("projectors", f"{Path(recipe.sender).name}-to-{Path(recipe.receiver).name}")
