"""The training loop: one stage of a recipe, from frozen models to saved parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor

from latentwire.errors import RecipeError
from latentwire.frozen.scoring import PROMPT_ROOM
from latentwire.training.batches import Batches, open_dialogues
from latentwire.training.curves import draw_curves
from latentwire.training.means import Means
from latentwire.training.parts import (
    StageParts,
    keeps_normalizer,
    measure_saved,
    save_parts,
    write_figures,
)
from latentwire.training.recipe import Recipe, Stage
from latentwire.training.run_folder import stage_folder
from latentwire.training.run_log import RunLog
from latentwire.training.same_run import ROWS, SETTINGS, check_same_run, digest_rows, settings_of
from latentwire.training.selection import Selection
from latentwire.training.stage_data import (
    fit_normalizer,
    load_held_out_rows,
    load_rows,
    load_soft_labels,
    open_inputs,
)
from latentwire.training.state import load_best, load_state, save_best, save_state
from latentwire.training.step_loss import StepLoss
from latentwire.training.update import Updates, stored_weights
from latentwire.training.validation import Figures, Validation

FEATURES = "features"  # the cache, beside the run folders that share it


class Trainer:
    """One stage: everything is built and checked before the first step.

    Args:
        recipe: The whole recipe.
        stage: The stage of it that is trained.
        run_dir: Where parts, states and logs go, and where it resumes from.
        data_dir: Data folder.
        accelerator: This process among those that train together.

    Raises:
        LatentwireError: If models, data, recipe and run folder do not fit each other.
    """

    def __init__(
        self, recipe: Recipe, stage: Stage, run_dir: Path, data_dir: Path, accelerator: Accelerator
    ) -> None:
        self.recipe = recipe
        self.stage = stage
        self.run_dir = run_dir
        self.accelerator = accelerator
        self.folder = stage_folder(run_dir, stage.name)
        pieces = accelerator.num_processes * recipe.engine.accumulation
        if stage.batch_size < pieces:
            raise RecipeError(
                f"stage {stage.name!r}: batch_size is {stage.batch_size}, and there are {pieces} "
                f"pieces to compute it in ({accelerator.num_processes} processes)"
            )
        rows = load_rows(recipe, stage, data_dir)
        settings, digest = settings_of(recipe, stage), digest_rows(rows)
        check_same_run(self.folder, settings, digest)
        self.identity = {SETTINGS: settings, ROWS: digest}
        soft_labels = load_soft_labels(recipe, stage, rows)
        held_out = load_held_out_rows(recipe, stage, data_dir)
        self.parts = parts = StageParts.build(
            recipe, stage, run_dir, accelerator.device, rows.texts
        )
        if stage.objectives.text_distillation.weight:
            for frozen in parts.receivers.values():
                frozen.check_fits(rows.texts, PROMPT_ROOM)
        cache_dir = run_dir.parent / FEATURES if recipe.engine.cache_states else None
        inputs, held_out_inputs = (
            open_inputs(parts.encoder, parts.sender, chosen, cache_dir, accelerator)
            for chosen in (rows, held_out)
        )
        taught = None
        if parts.teacher is not None:
            taught = open_inputs(*parts.teacher, rows, cache_dir, accelerator)
        if "encoder" in parts.trained and not keeps_normalizer(stage, parts.sender):
            fit_normalizer(parts.encoder, inputs, recipe.seed)
        if cache_dir is not None:
            parts.release_senders()
        tasks = list(recipe.tasks)
        dialogues = open_dialogues(stage, parts.receivers, tasks)
        self.batches = Batches(recipe, stage, rows, dialogues, inputs, soft_labels)
        self.validation = Validation(held_out, held_out_inputs, recipe.space.encoding)
        self.step_loss = StepLoss(parts, recipe.space.encoding, rows.texts, inputs, taught)
        if recipe.engine.compile:
            parts.encoder.compile(dynamic=True)
        self.updates = Updates(recipe, stage, parts, self.step_loss, self.batches, accelerator)

    def loss(self, step: int) -> Tensor:
        """The loss of a step's whole batch, in this process alone."""
        weights = self.updates.weights(step)
        found: Tensor = self.step_loss(self.batches.draw(step), weights)["loss"]
        return found

    def run(self) -> dict[str, Any]:
        """Train to the last step, resuming where a former run stopped; save the parts.

        Returns:
            The last means of the losses, steps and seconds, and the ``validation`` figures of the
            parts as they were saved.

        Raises:
            TrainingError: If a gradient is not finite.
            DiskFullError: If a state or a part finds no room; the former one stays.
        """
        stage, engine, trained = self.stage, self.recipe.engine, self.parts.trained
        for module in trained.values():
            module.train()
        self.folder.mkdir(parents=True, exist_ok=True)
        progress = load_state(self.folder, trained, self.updates.optimizers)
        progress = (progress or {"step": 0, "seconds": 0.0}) | self.identity
        if self.accelerator.is_main_process:
            self.parts.space.save(self.run_dir)
        selection = Selection(stage.validation, progress.get("selection"))
        means, last = Means(self.accelerator), dict(progress.get("means", {}))
        clock = self.updates.clock
        clock.start(float(progress["seconds"]))
        with RunLog(
            self.folder, stage, progress["step"], is_main=self.accelerator.is_main_process
        ) as log:
            while not clock.is_over(progress["step"]) and not selection.is_over:
                rate = self.updates.rate(progress["step"])
                means.add(self.updates.step(progress["step"]))
                step = progress["step"] = progress["step"] + 1
                clock.look()
                is_end = clock.is_over(step)
                log.advance(step, clock.total(step))
                if is_end or step % engine.log_every == 0:
                    last = {"learning_rate": rate, **means.take(stage.batch_size)}
                    log.write(step, last)
                is_look = bool(stage.validation.every) and step % stage.validation.every == 0
                if is_look:
                    self._look(step, selection, log)
                    is_end = is_end or selection.is_over
                if is_end or is_look or step % engine.save_every == 0:
                    progress |= {"seconds": clock.seconds, "selection": selection.state}
                    progress["means"] = last
                    if self.accelerator.is_main_process:
                        save_state(self.folder, trained, self.updates.optimizers, progress)
            result = {"step": progress["step"], "seconds": round(progress["seconds"], 1), **last}
            if selection.state["best"] is not None:
                load_best(self.folder, trained)
                result["best_step"] = selection.state["best_step"]
            result["validation"] = self._finish(result)
            log.write(progress["step"], {"saved": result["validation"]})
        return result

    def _look(self, step: int, selection: Selection, log: RunLog) -> None:
        """Measure the parts as they would be stored now; keep them if they are the best so far."""
        parts = self.parts
        with stored_weights(parts, self.stage):
            figures = self.validation.measure(parts.encoder, parts.adapters, parts.receivers)
        # One process decides, so that a difference in rounding cannot part them.
        figures = broadcast_object_list([figures])[0]
        log.write(step, {"validation": figures})
        if selection.is_better(step, figures) and self.accelerator.is_main_process:
            save_best(self.folder, parts.trained, {"step": step, "validation": figures})

    def _finish(self, result: dict[str, Any]) -> Figures:
        """Save the parts, the best ones if there was a choice, and measure them as saved."""
        if self.accelerator.is_main_process:
            save_parts(self.parts, self.stage, self.run_dir)
        self.accelerator.wait_for_everyone()
        figures = measure_saved(self.parts, self.stage, self.run_dir, self.validation)
        if self.accelerator.is_main_process:
            trained = {
                "steps": result.get("best_step", result["step"]),
                "rows a step": self.stage.batch_size,
                "seed": self.recipe.seed,
            }
            write_figures(self.parts, self.stage, self.run_dir, figures, trained)
            draw_curves(self.folder)
        return figures
