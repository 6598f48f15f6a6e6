"""What can be known to be wrong before the first stage starts, for all stages at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch

from latentwire.catalog import BYTES
from latentwire.errors import RecipeError, UsageError
from latentwire.frozen.model import load_config
from latentwire.models.registry import Role
from latentwire.tasks.asked import QUESTION_SETS, PassageQuestions
from latentwire.training.building import Size, build_adapter, build_encoder
from latentwire.training.joining import find_part, has_space
from latentwire.training.passages import CORPORA
from latentwire.training.recipe import Recipe, Stage
from latentwire.training.run_folder import stage_folder
from latentwire.training.same_run import check_same_run, settings_of
from latentwire.training.soft_labels import check_there


def check_stages(recipe: Recipe, stages: Sequence[Stage], run_dir: Path, data_dir: Path) -> None:
    """Refuse stages that cannot all be trained, one after another, in this run folder.

    Raises:
        ModelNotFoundError: If a model, or a part that a stage takes over, is nowhere to be found.
        RecipeError: If a stage joins a space that no stage before it founds, its parts cannot be
            built for its models, or the run folder holds what another recipe began of it.
        UsageError: If the file of a corpus, of a kind of question or of soft labels is missing, or
            a model offers no hidden states.
    """
    for kind in recipe.questions:
        questions = QUESTION_SETS[kind]
        if isinstance(questions, PassageQuestions):
            questions.locate("train", data_dir)
    for corpus in recipe.question_passages:
        _check_corpus(corpus, data_dir)
    receivers = {name: Size.of(load_config(name)) for name in recipe.receivers}
    is_founded = has_space(recipe.space, run_dir)
    made: set[tuple[Role, str]] = set()
    for stage in stages:
        check_same_run(stage_folder(run_dir, stage.name), settings_of(recipe, stage))
        _check_geometry(recipe, stage, receivers)
        is_founded = is_founded or stage.founds
        if not is_founded:
            raise RecipeError(
                f"stage {stage.name!r} joins a latent space, and {run_dir} has none",
                hint="first train a stage that has encoder and adapters in its list 'train', or "
                "set space.joins to the folder of a run that has",
            )
        for role, model in _joined(recipe, stage):
            if (role, model) not in made:
                find_part(role, model, recipe.space, run_dir)
        if stage.soft_labels is not None:
            check_there(stage.soft_labels)
        for corpus in stage.unlabeled:
            _check_corpus(corpus, data_dir)
        made |= _made(recipe, stage)


def _check_geometry(recipe: Recipe, stage: Stage, receivers: Mapping[str, Size]) -> None:
    """Build what a stage trains where it takes no memory.

    Raises:
        ModelNotFoundError: If there is no such sender.
        RecipeError: If an architecture does not take its geometry, or the sender lacks a layer.
        UsageError: If the sender offers no hidden states.
    """
    sender = None if stage.sender == BYTES else Size.of(load_config(stage.sender))
    with torch.device("meta"):
        if "encoder" in stage.train:
            build_encoder(recipe.space, stage, sender)
        if "adapters" in stage.train:
            for name in recipe.receivers_of(stage):
                build_adapter(recipe.adapter, recipe.space, receivers[name])


def _joined(recipe: Recipe, stage: Stage) -> Iterator[tuple[Role, str]]:
    """Parts that a stage takes over as they are."""
    if stage.needs_teacher and stage.teacher is not None:
        yield "encoder", stage.teacher
    if "encoder" not in stage.train:
        yield "encoder", stage.sender
    if "adapters" not in stage.train:
        yield from (("adapter", name) for name in recipe.receivers_of(stage))


def _made(recipe: Recipe, stage: Stage) -> set[tuple[Role, str]]:
    """Parts that are there once a stage is done."""
    made: set[tuple[Role, str]] = set()
    if "encoder" in stage.train:
        made.add(("encoder", stage.sender))
    if "adapters" in stage.train:
        made |= {("adapter", name) for name in recipe.receivers_of(stage)}
    return made


def _check_corpus(corpus: str, data_dir: Path) -> None:
    path = data_dir / CORPORA[corpus]
    if not path.is_file():
        raise UsageError(f"corpus file {path} does not exist")
