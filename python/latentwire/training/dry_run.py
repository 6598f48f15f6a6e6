"""Check a stage without training it: two real updates at small scale, nothing written."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoModelForCausalLM

from latentwire.catalog import BYTES
from latentwire.frozen import FrozenModel
from latentwire.frozen.adapted import AdaptedModel
from latentwire.models import ByteEncoder
from latentwire.models.bridges import encode
from latentwire.models.registry import Encoder
from latentwire.space import LatentSpace
from latentwire.tasks import TASKS
from latentwire.tasks.asked import Asked
from latentwire.training.batches import Batches, open_dialogues
from latentwire.training.building import Size, build_adapter, build_encoder
from latentwire.training.compute import start_accelerator
from latentwire.training.data import Rows
from latentwire.training.estimate import count_parameters, estimate_memory, estimate_time
from latentwire.training.features import ByteInputs, EncoderInputs, StateInputs
from latentwire.training.geometry import PUBLISHED, scaled_down
from latentwire.training.heads import build_heads
from latentwire.training.parts import StageParts, fit_colorizer
from latentwire.training.recipe import Recipe, Stage
from latentwire.training.recipe_sections import EncoderRecipe
from latentwire.training.step_loss import StepLoss
from latentwire.training.update import Updates

_TEXTS = ("a gorgeous , witty , seductive movie .", "how do i change my pin ?")


def dry_run(recipe: Recipe, stage: Stage) -> dict[str, Any]:
    """Shapes, parameters, estimates, the plan, and two real updates of a stage.

    Models with a published geometry are counted at full size without memory (meta device) and
    trained at a sixteenth of their width with random weights; models at hand are used as they are.
    The first and the last step are taken, so that every objective of a schedule is.

    Raises:
        ModelNotFoundError: If a model is neither at hand nor of a known geometry.
        RecipeError: If the stage does not fit its models.
    """
    num_processes = recipe.engine.processes
    found: dict[str, Any] = {
        "stage": stage.name,
        "plan": plan(recipe, stage),
        "parameters": count_parameters(recipe, stage),
        "memory_gib": estimate_memory(recipe, stage, num_processes),
        "time": estimate_time(recipe, stage, num_processes),
    }
    torch.manual_seed(recipe.seed)
    parts = _small_parts(recipe, stage)
    encoder, texts = parts.encoder, list(_TEXTS)
    inputs = _inputs(encoder, parts.sender, texts)
    with torch.no_grad():
        states, mask = inputs.batch([0, 1])
        latents = encode(encoder, states, mask).latents
        read = {name: list(part(latents).shape) for name, part in parts.adapters.items()}
    found["shapes"] = {
        "states": list(states.shape),
        "latents": list(latents.shape),
        **{f"what {name} reads": shape for name, shape in read.items()},
    }
    tasks, corpora = list(recipe.tasks), list(stage.unlabeled)
    rows = Rows(
        texts * len(tasks),
        [0, 0] * len(tasks),
        {task: range(2 * index, 2 * index + 2) for index, task in enumerate(tasks)},
    )
    rows = rows.with_questions(
        {kind: [_ask(kind, text) for text in texts] for kind in recipe.questions}
    )
    for corpus in corpora:
        rows = rows.with_passages(corpus, texts)
    small = stage.model_copy(update={"batch_size": 2})
    inputs = _inputs(encoder, parts.sender, rows.texts)
    taught = _inputs(*parts.teacher, rows.texts) if parts.teacher else None
    dialogues = open_dialogues(stage, parts.receivers, tasks)
    updates = Updates(
        recipe.model_copy(update={"engine": recipe.engine.model_copy(update={"accumulation": 1})}),
        small,
        parts,
        StepLoss(parts, recipe.space.encoding, rows.texts, inputs, taught),
        Batches(recipe, small, rows, dialogues, inputs),
        start_accelerator(),
    )
    found["losses"] = [round(float(updates.step(step)["loss"]), 4) for step in (0, stage.steps - 1)]
    return found


def _ask(kind: str, text: str) -> Asked:
    """A question to a text, for its shape."""
    return Asked(text, "Which of these occurs: film or pin?", ("film", "pin"), "film", kind)


def plan(recipe: Recipe, stage: Stage) -> dict[str, Any]:
    """What a stage will do, without doing it."""
    engine, used = recipe.engine, sorted(stage.objectives.in_use)
    return {
        "sender": stage.sender,
        "receivers": recipe.receivers_of(stage),
        "trains": stage.train,
        "learns from": stage.teacher,
        "steps": stage.steps,
        "rows a step": stage.batch_size,
        "rows a pass": stage.batch_size / (engine.processes * engine.accumulation),
        "examples": stage.steps * stage.batch_size,
        "processes": engine.processes,
        "strategy": engine.strategy,
        "shares": {**recipe.tasks, **recipe.questions, **stage.unlabeled},
        "objectives": {
            name: getattr(stage.objectives, name).model_dump(exclude_defaults=True) for name in used
        },
        "optimizer": stage.optimizer,
        "learning rate": stage.learning_rate,
        "warm-up steps": stage.warmup_steps,
        "validation every": stage.validation.every or None,
        "tasks": {name: list(TASKS[name].choices)[:6] for name in recipe.tasks},
    }


def _small_parts(recipe: Recipe, stage: Stage) -> StageParts:
    """The parts of a stage with fresh weights, on models that fit anywhere."""
    space = recipe.space
    receivers = {name: _adapted(recipe, _open(name)) for name in recipe.receivers_of(stage)}
    sender = None if stage.sender == BYTES else _open(stage.sender)
    if sender is not None and stage.sender in PUBLISHED:
        layer = _in_small(stage.layer, sender.num_layers)
        stage = stage.model_copy(update={"layer": layer})
    encoder = build_encoder(space, stage, _size(sender))
    adapters = {
        name: build_adapter(recipe.adapter, space, Size.of(frozen.config))
        for name, frozen in receivers.items()
    }
    for name, adapter in adapters.items():
        fit_colorizer(adapter, receivers[name], _TEXTS)
    teacher = None
    if stage.teacher is not None and stage.needs_teacher:
        frozen = None if stage.teacher == BYTES else _open(stage.teacher)
        plain = {"layer": None, "encoder": EncoderRecipe(), "sender": stage.teacher}
        module = build_encoder(space, stage.model_copy(update=plain), _size(frozen))
        teacher = (module.requires_grad_(False), frozen)
    heads = build_heads(stage, space.latent_width, _size(sender))
    made = LatentSpace(name=space.name)
    return StageParts.of(stage, sender, receivers, made, encoder, adapters, teacher, heads)


def _adapted(recipe: Recipe, frozen: FrozenModel) -> FrozenModel:
    lora = recipe.adapter.lora_config
    return frozen if lora is None else AdaptedModel(frozen, lora)


def _size(frozen: FrozenModel | None) -> Size | None:
    return None if frozen is None else Size.of(frozen.config)


def _in_small(layer: int | tuple[int, ...] | None, most: int) -> int | tuple[int, ...] | None:
    """Layers of a large model as layers of its small likeness."""
    if isinstance(layer, tuple):
        return tuple(min(number, most) for number in layer)
    return None if layer is None else min(layer, most)


def _inputs(encoder: Encoder, frozen: FrozenModel | None, texts: list[str]) -> EncoderInputs:
    if isinstance(encoder, ByteEncoder):
        return ByteInputs(encoder, texts)
    assert frozen is not None
    return StateInputs(frozen, encoder.config.layer, texts)


def _open(name: str) -> FrozenModel:
    """A model at hand, or a small random one of its published geometry."""
    if name not in PUBLISHED:
        return FrozenModel.load(name)
    tokenizer = FrozenModel.load("tiny-qwen").tokenizer
    small = scaled_down(PUBLISHED[name], len(tokenizer))
    family: Any = AutoModelForCausalLM
    model = family.from_config(small, attn_implementation="sdpa")
    return FrozenModel(name, model, tokenizer, is_causal=True)
