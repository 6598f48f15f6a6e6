"""The typed recipe: what is trained, on what, for how long. Unknown keys are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from latentwire.catalog import BYTES
from latentwire.errors import RecipeError
from latentwire.models import ByteEncoder, HiddenStateEncoder
from latentwire.models.registry import ARCHITECTURES
from latentwire.tasks import TASKS
from latentwire.tasks.asked import QUESTION_SETS
from latentwire.training.passages import CORPORA
from latentwire.training.recipe_sections import (
    COMPARE_SOFT_TOKENS,
    NEED_LABELS,
    NEED_TEACHER,
    REGULARIZERS,
    TEACH_ENCODERS,
    AdapterRecipe,
    EncoderRecipe,
    EngineRecipe,
    Objectives,
    SpaceRecipe,
    Strict,
    ValidationRecipe,
    nearest,
)

Trainable = Literal["encoder", "adapters"]


class Stage(Strict):
    """One training run: a sender's encoder, receivers' adapters, or both.

    Both found a latent space. An encoder alone joins one, and so do adapters alone: they learn to
    read what the sender's encoder, which stays as it is, says in it.
    """

    name: str
    sender: str
    layer: int | tuple[int, ...] | None = None
    """The sender's layer that is read, or those that are mixed; default: two thirds up."""
    encoder: EncoderRecipe = EncoderRecipe()
    train: list[Trainable] = Field(min_length=1)
    receivers: list[str] | None = Field(None, min_length=1)
    """Which of the recipe's receivers take part; default: all."""
    objectives: Objectives
    start: str | None = None
    """Folder of a run, or name or folder of a space, whose weights training begins with instead of
    random ones: every part that is trained, with the one of the same name there, which has this
    architecture and these sizes, or lacks only pooled latents or layers of a byte encoder; those
    say nothing until they learn. LoRA weights begin anew."""
    teacher: str | None = None
    soft_labels: Path | None = None
    """File of how likely each answer is for each training row, by
    ``training/write_soft_labels.py``: tasks of which it tells are answered by what it holds likely,
    drawn anew each time."""
    soft_label_share: float = Field(0.5, gt=0, le=1)
    """Share of their rows that are; the others keep their labels. Between the two lies a target
    that the answers' likelihood is led to, at no cost a step (https://arxiv.org/abs/1503.02531)."""
    own_losses: float = Field(1.0, ge=0)
    """Weight of what an architecture itself asks to be minimized, e.g. commitment to its codes; of
    what ``objectives`` names as well, the weight there counts."""
    steps: int = Field(ge=1)
    minutes: float | None = Field(None, gt=0)
    """Minutes of computing after which the stage ends before its steps are done; schedules follow
    the time, so that it ends as a whole run does. Such a run cannot be repeated bit for bit."""
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
    unlabeled: dict[str, float] = Field({})
    """Share of corpora without labels in a batch, beside the tasks' shares; such rows count in the
    objectives that need no labels."""
    unlabeled_passages: int = Field(40_000, ge=1)
    """How many passages of each corpus are used."""
    length_groups: int = Field(1, ge=1)
    """Rows are drawn for this many batches at once, and a batch is those of like length: less of a
    batch is padding. Which rows are seen how often stays the same."""
    weight_bits: Literal[4, 8, 16] = 8
    """Storage of the encoder's weights; 4 bits are trained for in the last 40% of the steps."""
    adapter_bits: Literal[4, 8] = 8
    """Storage of the adapters' weights, likewise."""
    validation: ValidationRecipe = ValidationRecipe()

    @property
    def architecture(self) -> str:
        """Name of the encoder's architecture."""
        default = ByteEncoder.kind if self.sender == BYTES else HiddenStateEncoder.kind
        return self.encoder.architecture or default

    @property
    def founds(self) -> bool:
        """Whether it founds a latent space; if not, it joins one."""
        return {"encoder", "adapters"} <= set(self.train)

    @property
    def takes_target(self) -> bool:
        """Whether the encoder itself learns from another encoder's latents."""
        module = ARCHITECTURES[self.architecture].module
        return "encoder" in self.train and bool(getattr(module, "takes_target", False))

    @property
    def needs_teacher(self) -> bool:
        """Whether another encoder's latents are needed."""
        return self.takes_target or bool(self.objectives.in_use & NEED_TEACHER)

    @model_validator(mode="after")
    def _check(self) -> Stage:
        encoders = [name for name, found in ARCHITECTURES.items() if found.role == "encoder"]
        if self.architecture not in encoders:
            raise ValueError(
                f"encoder: unknown architecture {self.architecture!r}; "
                f"{nearest(self.architecture, encoders)}"
            )
        if (self.architecture == ByteEncoder.kind) != (self.sender == BYTES):
            raise ValueError(f"a {self.architecture} encoder does not read {self.sender!r}")
        self.encoder.options(self.architecture)
        used = self.objectives.in_use
        if self.needs_teacher and self.teacher is None:
            what = next(iter(sorted(used & NEED_TEACHER)), f"a {self.architecture} encoder")
            raise ValueError(f"{what} needs a teacher: the sender to learn from")
        self._check_encoder_objectives(used)
        if not used - REGULARIZERS and not self.takes_target:
            raise ValueError("objectives: at least one weight must be above 0")
        for corpus in self.unlabeled:
            if corpus not in CORPORA:
                known = ", ".join(CORPORA)
                raise ValueError(f"unlabeled: unknown corpus {corpus!r}; known: {known}")
        if self.unlabeled and not used - REGULARIZERS - NEED_LABELS:
            raise ValueError("unlabeled rows need an objective without labels")
        return self

    def _check_encoder_objectives(self, used: set[str]) -> None:
        """Refuse objectives that ask of an encoder what it does not have."""
        if "encoder" not in self.train:
            if used & TEACH_ENCODERS:
                what = min(used & TEACH_ENCODERS)
                raise ValueError(f"{what} teaches an encoder, and train is {self.train}")
            if self.layer is not None or self.encoder != EncoderRecipe():
                raise ValueError(
                    f"layer and encoder are those that {self.sender!r} has already, since train "
                    f"is {self.train}: leave them out"
                )
        if "reconstruction" in used and self.sender == BYTES:
            raise ValueError("reconstruction is of a frozen sender's states, and bytes have none")
        segments = self.encoder.options(self.architecture).get("segment_latents")
        if "segment_alignment" in used and "encoder" in self.train and not segments:
            raise ValueError("segment_alignment needs encoder.segment_latents above 0")
        module = ARCHITECTURES[self.architecture].module
        if "commitment" in used and not getattr(module, "commits", False):
            raise ValueError(f"commitment is to codes, and a {self.architecture} encoder has none")


class Recipe(Strict):
    """A latent space and the stages that train its parts, in order."""

    seed: int = 1
    space: SpaceRecipe
    receivers: list[str] = Field(min_length=1)
    tasks: dict[str, float]
    """Share of each task in a batch; they need not sum to one."""
    questions: dict[str, float] = Field({})
    """Share of each kind of question that the sender never sees (``tasks/asked/``), beside the
    tasks' shares. Texts of the tasks are asked through the same latents as their label."""
    questions_of_a_kind: int = Field(40_000, ge=4)
    """The most questions of a kind that are drawn from."""
    question_passages: dict[str, int] = Field({})
    """How many passages of a corpus are asked, beside the texts of tasks, what can be asked of any
    text."""
    full_length_share: float = Field(0.3, ge=0, le=1)
    """Share of batches with all K latents; the others have a random prefix (nested dropout)."""
    prefix_lengths: tuple[int, ...] = Field((1, 2, 3, 4, 6, 8, 12, 16, 24), min_length=1)
    """What the random prefix is drawn from, as far as it is shorter than K; a length that stands
    there twice is drawn twice as often."""
    generic_question_share: float = Field(0.2, ge=0, le=1)
    """Share of rows that are asked the generic question instead of the task's."""
    engine: EngineRecipe = EngineRecipe()
    adapter: AdapterRecipe = AdapterRecipe()
    stages: list[Stage] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Recipe:
        for stage in self.stages:
            for name in stage.receivers or ():
                if name not in self.receivers:
                    raise ValueError(
                        f"stage {stage.name!r}: receivers: {name!r} is none of the recipe's; "
                        f"{nearest(name, self.receivers)}"
                    )
            only_soft = sorted(stage.objectives.in_use & COMPARE_SOFT_TOKENS)
            if self.adapter.mode == "deep" and only_soft:
                raise ValueError(f"{only_soft[0]} compares soft tokens, and adapter.mode is deep")
        if self.adapter.lora is not None and self.engine.strategy == "fsdp":
            raise ValueError("adapter.lora is trained whole in every process: engine.strategy=ddp")
        if min(self.prefix_lengths) < 1:
            raise ValueError(f"prefix_lengths: {min(self.prefix_lengths)} latents are no message")
        for name in self.tasks:
            if name not in TASKS:
                raise ValueError(f"tasks: unknown task {name!r}; {nearest(name, list(TASKS))}")
        kinds = [name for name in QUESTION_SETS if name not in TASKS]
        for name in self.questions:
            if name not in kinds:
                raise ValueError(f"questions: unknown kind {name!r}; {nearest(name, kinds)}")
        for corpus in self.question_passages:
            if corpus not in CORPORA:
                known = ", ".join(CORPORA)
                raise ValueError(f"question_passages: unknown corpus {corpus!r}; known: {known}")
        folders = [Path(name).name for name in self.receivers]
        for name in folders:
            if folders.count(name) > 1:
                raise ValueError(
                    f"receivers: two are named {name!r}; their parts would share a folder"
                )
        return self

    def receivers_of(self, stage: Stage) -> list[str]:
        """Names of the receivers that take part in a stage, in the recipe's order."""
        return [name for name in self.receivers if name in (stage.receivers or self.receivers)]

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
