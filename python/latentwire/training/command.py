"""``latentwire train``: run the stages of a recipe, or check it without training."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from latentwire.errors import UsageError
from latentwire.tasks import TASKS, Task
from latentwire.tasks.base import find_data_dir
from latentwire.training.compute import start_accelerator
from latentwire.training.dry_run import dry_run
from latentwire.training.loop import Trainer
from latentwire.training.preflight import check_stages
from latentwire.training.projection.plan import plan_projector
from latentwire.training.projection.recipe import ProjectorRecipe
from latentwire.training.projection.trainer import ProjectorTrainer
from latentwire.training.recipe import Recipe, Stage
from latentwire.training.recipe_file import load_any_recipe
from latentwire.training.run_folder import describe_run

logger = logging.getLogger(__name__)


def train(
    recipe_path: Path,
    overrides: list[str],
    *,
    run_dir: Path,
    data_dir: Path | None = None,
    own_task: Task | None = None,
    stage: str | None = None,
    check_only: bool = False,
    threads: int | None = None,
) -> list[dict[str, Any]]:
    """Train a recipe's stages in order; stages that are done already are only validated again.

    Args:
        recipe_path: YAML file.
        overrides: ``dotted.key=value`` changes to it.
        run_dir: Where parts, states and logs go, and where a run resumes from.
        data_dir: Data folder; default ``$LATENTWIRE_DATA``.
        own_task: A task of the user's own data, which takes the place of the recipe's tasks.
        stage: Only this stage.
        check_only: Build everything at small scale, take two steps, write nothing.
        threads: CPU threads.

    Returns:
        One result per stage.

    Raises:
        RecipeError: If the recipe does not fit its types, or its stages each other.
        UsageError: If data are missing.
        LatentwireError: See ``Trainer``.
    """
    if own_task is not None:
        if own_task.name in TASKS:
            raise UsageError(
                f"a task is already named {own_task.name!r}",
                hint="give your data another file name",
            )
        TASKS[own_task.name] = own_task
        overrides = [f"tasks={{{json.dumps(own_task.name)}: 1.0}}", *overrides]
    recipe = load_any_recipe(recipe_path, overrides)
    if threads is not None:
        torch.set_num_threads(threads)
    if isinstance(recipe, ProjectorRecipe):
        folder = Path() if own_task is not None else find_data_dir(data_dir)
        if check_only:
            return [plan_projector(recipe)]
        return run_projector(recipe, run_dir, folder)
    stages = recipe.stages if stage is None else [recipe.stage(stage)]
    if check_only:
        return [dry_run(recipe, chosen) for chosen in stages]
    needs_folder = (
        own_task is None or bool(recipe.questions) or any(chosen.unlabeled for chosen in stages)
    )
    folder = find_data_dir(data_dir) if needs_folder else Path()
    check_stages(recipe, stages, run_dir, folder)
    return run_stages(recipe, stages, run_dir, folder)


def run_projector(recipe: ProjectorRecipe, run_dir: Path, data_dir: Path) -> list[dict[str, Any]]:
    """Train a projector; its result is that of the only stage.

    Raises:
        LatentwireError: See ``ProjectorTrainer``.
    """
    accelerator = start_accelerator()
    trainer = ProjectorTrainer(recipe, run_dir, data_dir, accelerator)
    describe_run(run_dir, recipe, accelerator.num_processes)
    return [{"stage": recipe.name, **trainer.run()}]


def run_stages(
    recipe: Recipe, stages: Sequence[Stage], run_dir: Path, data_dir: Path
) -> list[dict[str, Any]]:
    """Train stages of a recipe that have been checked, in order; one result per stage.

    Raises:
        LatentwireError: See ``Trainer``.
    """
    accelerator = start_accelerator()
    if accelerator.is_main_process:
        describe_run(run_dir, recipe, accelerator.num_processes)
    results = []
    for chosen in stages:
        trainer = Trainer(recipe, chosen, run_dir, data_dir, accelerator)
        result = {"stage": chosen.name, **trainer.run()}
        del trainer
        accelerator.free_memory()  # it keeps what it prepared: models and states of every stage
        logger.info("%s", json.dumps(result))
        results.append(result)
    return results
