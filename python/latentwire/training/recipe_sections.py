"""Sections of a recipe: space, encoder, adapter, objectives, validation, engine."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from latentwire.lora import LoraConfig
from latentwire.models import ByteEncoder
from latentwire.models.adapter import count_tokens
from latentwire.models.registry import ARCHITECTURES


def nearest(name: str, known: Sequence[str]) -> str:
    """What to say of an unknown name: the nearest known one, or all of them."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


class Strict(BaseModel):
    """A section that refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SpaceRecipe(Strict):
    """The latent space that the parts will speak."""

    name: str
    num_latents: int = Field(32, ge=1, le=1024)
    latent_width: int = Field(256, ge=8)
    encoding: Literal["f32", "f16", "bf16", "int8"] = "int8"
    joins: str | None = None
    """A space that is there already: a shipped one by its name, or the folder of a run. Stages that
    do not found a space find it and its parts there, unless their own run folder has them."""


_GIVEN = {"hidden_size", "layer", "num_latents", "latent_width", "width"}
"""Fields of an encoder's configuration that follow from sender, stage and space."""


class EncoderRecipe(BaseModel):
    """Architecture of the encoder; every other key is a field of its configuration.

    ``models/registry.py`` lists the architectures; their configurations say what each takes.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    architecture: str | None = None
    """Default: ``byte`` for plain bytes, ``hidden-state`` for frozen senders."""

    def options(self, architecture: str) -> dict[str, Any]:
        """The keys as fields of the architecture's configuration.

        Raises:
            ValueError: If it has no such field.
        """
        found = dict(self.model_extra or {})
        if architecture == ByteEncoder.kind:
            found["resampler_depth"] = found.pop("depth", 2)
        names = {field.name for field in fields(ARCHITECTURES[architecture].config)} - _GIVEN
        known = sorted(names | ({"depth"} if architecture == ByteEncoder.kind else set()))
        for name in found:
            if name not in names:
                raise ValueError(f"unknown key 'encoder.{name}'; {nearest(name, known)}")
        return found


class LoraRecipe(Strict):
    """Low-rank additions to a receiver's weights, trained with its adapter; needs ``peft``.

    The frozen weights stay as they are. The additions are saved with the adapter's part.
    """

    rank: int = Field(8, ge=1)
    alpha: int = Field(16, ge=1)
    """Additions are multiplied by alpha / rank."""
    targets: tuple[str, ...] = Field(("q_proj", "v_proj"), min_length=1)
    """Last parts of the names of linear layers."""


class AdapterRecipe(Strict):
    """How receivers read latents."""

    mode: Literal["soft_tokens", "deep"] = "soft_tokens"
    """As input embeddings, or as keys and values in every layer."""
    inner_width: int = Field(384, ge=1)
    tokens_per_latent: int = Field(1, ge=1)
    """Soft tokens that a receiver reads of each latent."""
    single_latents: int = Field(0, ge=0)
    """First latents that are one soft token each all the same."""
    lora: LoraRecipe | None = None
    """Whether receivers are adapted; by default they are read as they are."""

    def tokens_of(self, k: int) -> int:
        """How many entries of its input a receiver reads of k latents."""
        if self.mode == "deep":
            return k
        return count_tokens(k, self.single_latents, self.tokens_per_latent)

    @property
    def lora_config(self) -> LoraConfig | None:
        """What is added to receivers."""
        return None if self.lora is None else LoraConfig(**self.lora.model_dump())


class Objective(Strict):
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


class Objectives(Strict):
    """Each objective by a number, its weight, or with a schedule; 0 leaves it out.

    What they are: ``training/objectives/``, a file each.
    """

    label_likelihood: Objective = Objective()
    choice_likelihood: Objective = Objective()
    answer_generation: Objective = Objective()
    first_token_likelihood: Objective = Objective()
    text_distillation: Objective = Objective()
    latent_distillation: Objective = Objective()
    message_distillation: Objective = Objective()
    contrastive: Objective = Objective()
    manifold_anchoring: Objective = Objective()
    norm_matching: Objective = Objective()
    segment_alignment: Objective = Objective()
    diversity: Objective = Objective()
    bag_of_words: Objective = Objective()
    reconstruction: Objective = Objective()
    commitment: Objective = Objective()

    @property
    def in_use(self) -> set[str]:
        """Names of those with a weight."""
        return {name for name in type(self).model_fields if getattr(self, name).weight}


NEED_LABELS = {
    "label_likelihood", "choice_likelihood", "answer_generation", "first_token_likelihood"
}  # fmt: skip
COMPARE_SOFT_TOKENS = {"manifold_anchoring", "norm_matching", "segment_alignment"}
NEED_HEADS = {"bag_of_words", "reconstruction"}
"""Objectives that train a head of their own beside the encoder; see ``training/heads/``."""
NEED_TEACHER = {"latent_distillation", "message_distillation", "contrastive"}
TEACH_ENCODERS = {
    *NEED_HEADS, "latent_distillation", "message_distillation", "contrastive", "diversity",
    "commitment",
}  # fmt: skip
"""Objectives whose gradients adapters have none of, or nothing to learn from."""
REGULARIZERS = {"manifold_anchoring", "norm_matching", "diversity", "commitment"}
"""Objectives that a message without any content would meet."""


class ValidationRecipe(Strict):
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


class EngineRecipe(Strict):
    """How the work is done; it changes what a run costs, not what it minimizes."""

    processes: int = Field(1, ge=1)
    """How many the recipe is meant for, which is what a dry run counts with; a run takes as many as
    it is launched with, and rows of an update divide among them."""
    strategy: Literal["ddp", "fsdp"] = "ddp"
    """Whether every process holds the frozen receivers whole, or a piece of each layer."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Of the forward pass and of Muon's updates; ``auto`` is bfloat16 where the hardware computes
    in it."""
    frozen_dtype: Literal["float32", "bfloat16"] = "float32"
    """What frozen weights are held in; what is trained is always float32."""
    accumulation: int = Field(1, ge=1)
    """Pieces that a process computes its share of a batch in, one after the other."""
    cache_states: bool = True
    """Whether what frozen senders make of the texts is kept on disk, and used by later runs too.
    For a short run a GPU computes states of a small sender sooner than it would fill the cache."""
    gradient_checkpointing: bool = False
    """Whether layers of the receivers are computed again in the backward pass, to save memory."""
    compile: bool = False
    """Whether receivers and encoder go through ``torch.compile``."""
    save_every: int = Field(100, ge=1)
    """Steps between two states to resume from."""
    log_every: int = Field(100, ge=1)
    """Steps between two lines of ``metrics.jsonl``."""

    @property
    def is_float32(self) -> bool:
        """Whether everything that is trained is computed in float32 on any hardware."""
        return self.precision == "fp32"
