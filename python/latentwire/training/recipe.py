"""The typed recipe: what is trained, on what, for how long. Unknown keys are refused by name."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    """Each objective by a number, its weight, or with a schedule; 0 leaves it out.

    What they are: ``training/objectives/``, a file each.
    """

    label_likelihood: Objective = Objective()
    answer_generation: Objective = Objective()
    first_token_likelihood: Objective = Objective()
    text_distillation: Objective = Objective()
    latent_distillation: Objective = Objective()
    message_distillation: Objective = Objective()
    contrastive: Objective = Objective()
    manifold_anchoring: Objective = Objective()
    norm_matching: Objective = Objective()
    diversity: Objective = Objective()

    @property
    def in_use(self) -> set[str]:
        """Names of those with a weight."""
        return {name for name in type(self).model_fields if getattr(self, name).weight}


NEED_LABELS = {"label_likelihood", "answer_generation", "first_token_likelihood"}
NEED_TEACHER = {"latent_distillation", "message_distillation", "contrastive"}
REGULARIZERS = {"manifold_anchoring", "norm_matching", "diversity"}
"""Objectives that a message without any content would meet."""


class ValidationRecipe(_Strict):
    """When a stage looks at rows that it does not train on, and what follows from it."""

    every: int = Field(0, ge=0)
    """Steps between two looks; 0: only the finished parts are measured. With looks in between, the
    parts that are kept are those of the best look, not the last ones."""
    rows: int = Field(200, ge=1)
    """Rows of each task."""
    choose_by: Literal["accuracy", "loss"] = "accuracy"
    """What is compared, as a mean over receivers and tasks."""
    patience: int | None = Field(None, ge=1)
    """Looks without a better one after which the stage stops; none: it never stops early."""

    @model_validator(mode="after")
    def _check(self) -> ValidationRecipe:
        if self.patience is not None and not self.every:
            raise ValueError("patience counts looks, and every is 0: set every to so many steps")
        return self


class EngineRecipe(_Strict):
    """How the work is done; it changes what a run costs, not what it minimizes."""

    processes: int = Field(1, ge=1)
    """How many the recipe is meant for, which is what a dry run counts with; a run takes as many as
    it is launched with, and rows of an update divide among them."""
    strategy: Literal["ddp", "fsdp"] = "ddp"
    """Whether every process holds the frozen receivers whole, or a piece of each layer."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Of the forward pass; ``auto`` is bfloat16 where the hardware computes in it."""
    frozen_dtype: Literal["float32", "bfloat16"] = "float32"
    """What frozen weights are held in; what is trained is always float32."""
    accumulation: int = Field(1, ge=1)
    """Pieces that a process computes its share of a batch in, one after the other."""
    gradient_checkpointing: bool = False
    """Whether layers of the receivers are computed again in the backward pass, to save memory."""
    compile: bool = False
    """Whether receivers and encoder go through ``torch.compile``."""
    save_every: int = Field(100, ge=1)
    """Steps between two states to resume from."""
    log_every: int = Field(100, ge=1)
    """Steps between two lines of ``metrics.jsonl``."""


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
    """Rows of one update, over all processes."""
    optimizer: Literal["muon", "adamw"] = "muon"
    """Of the matrices; embeddings, norms and biases always go to AdamW."""
    learning_rate: float = Field(2e-3, gt=0)
    warmup_steps: int = Field(30, ge=1)
    weight_decay: float = Field(0.01, ge=0)
    max_gradient_norm: float = Field(1.0, gt=0)
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
    validation: ValidationRecipe = ValidationRecipe()

    @model_validator(mode="after")
    def _check(self) -> Stage:
        used = self.objectives.in_use
        taught = sorted(used & NEED_TEACHER)
        if taught and self.teacher is None:
            raise ValueError(f"{taught[0]} needs a teacher: the sender to learn from")
        if not used - REGULARIZERS:
            raise ValueError("objectives: at least one weight must be above 0")
        for corpus in self.unlabeled:
            if corpus not in CORPORA:
                known = ", ".join(CORPORA)
                raise ValueError(f"unlabeled: unknown corpus {corpus!r}; known: {known}")
        if self.unlabeled and not used - REGULARIZERS - NEED_LABELS:
            raise ValueError("unlabeled rows need an objective without labels")
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
    engine: EngineRecipe = EngineRecipe()
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
