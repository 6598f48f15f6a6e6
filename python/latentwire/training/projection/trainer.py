"""The training loop of a projector: the receiver answers from the sender's translated cache."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from latentwire.checkpoint import Part
from latentwire.errors import RecipeError, TrainingError
from latentwire.frozen import FrozenModel
from latentwire.frozen.scoring import PROMPT_ROOM
from latentwire.link import KeyValueLink
from latentwire.models.bridges import KeyValueProjector, KeyValueProjectorConfig
from latentwire.space import LatentSpace
from latentwire.tasks import TASKS
from latentwire.training.clock import StageClock
from latentwire.training.compute import autocast, load_frozen
from latentwire.training.curves import draw_curves
from latentwire.training.data import Dialogue, Rows
from latentwire.training.means import Means
from latentwire.training.objectives.label_likelihood import label_likelihood
from latentwire.training.optimizers import build_optimizers, cosine_rate, set_learning_rate
from latentwire.training.projection.recipe import ProjectorRecipe, projector_folder
from latentwire.training.run_folder import stage_folder
from latentwire.training.run_log import RunLog
from latentwire.training.same_run import (
    ROWS,
    SETTINGS,
    check_same_run,
    digest_rows,
    projector_settings,
)
from latentwire.training.state import load_state, save_state
from latentwire.training.validation import of_choices

_TEXTS_MEASURED = 512
_BATCH = 32


class ProjectorTrainer:
    """One run; everything is built and checked before the first step.

    The sender's cache is computed anew in every step: kept, it would take as much room as the
    texts have tokens, times all layers.

    Args:
        recipe: What is trained.
        run_dir: Where the projector, states and logs go, and where it resumes from.
        data_dir: Data folder.
        accelerator: This process, which must be alone.

    Raises:
        UsageError: If a model has no keys and values of one shape, or data are missing.
        LatentwireError: If models, data, recipe and run folder do not fit each other.
    """

    def __init__(
        self, recipe: ProjectorRecipe, run_dir: Path, data_dir: Path, accelerator: Accelerator
    ) -> None:
        if accelerator.num_processes > 1:
            raise RecipeError(
                f"a projector is trained by one process, not by {accelerator.num_processes}",
                hint="launch the command without accelerate or torchrun",
            )
        self.recipe = recipe
        self.run_dir = run_dir
        self.folder = stage_folder(run_dir, recipe.name)
        self.accelerator = accelerator
        device = accelerator.device
        self.rows = Rows.load(list(recipe.tasks), "train", data_dir)
        settings, digest = projector_settings(recipe), digest_rows(self.rows)
        check_same_run(self.folder, settings, digest)
        self.identity = {SETTINGS: settings, ROWS: digest}
        self.held_out = Rows.load(
            list(recipe.tasks), "validation", data_dir, recipe.validation_rows
        )
        torch.manual_seed(recipe.seed)
        sender = load_frozen(recipe.sender, recipe.engine, device)
        receiver = load_frozen(recipe.receiver, recipe.engine, device, reads_messages=True)
        # The receiver's cache is as long as the sender's text.
        shorter = max(0, sender.text_room - receiver.text_room)
        sender.check_fits(self.rows.texts, PROMPT_ROOM + shorter)
        projector = build_projector(recipe, sender, receiver, self.rows.texts).to(device)
        self.link = KeyValueLink(sender, receiver, projector)
        self.dialogue = Dialogue(receiver, list(recipe.tasks))
        self.clock = StageClock(recipe, accelerator)
        self.optimizers = build_optimizers(
            [projector],
            matrices_by=recipe.optimizer,
            weight_decay=recipe.weight_decay,
            in_float32=recipe.engine.is_float32,
        )

    def rate(self, number: int) -> float:
        """Learning rate of a step."""
        total, recipe = self.clock.total(number), self.recipe
        return cosine_rate(number, total, recipe.warmup_steps, recipe.learning_rate)

    def step(self, number: int) -> dict[str, Tensor]:
        """One update; a function of seed, step and weights.

        Raises:
            TrainingError: If the gradient is not finite; no weight has changed.
        """
        recipe, projector = self.recipe, self.link.projector
        set_learning_rate(self.optimizers, self.rate(number))
        rng = random.Random(f"{recipe.seed}-{recipe.name}-{number}")  # noqa: S311
        drawn = self.rows.draw_alike(recipe.tasks, recipe.batch_size, recipe.length_groups, rng)
        asked = [
            self.dialogue.asked(one, self.rows.labels[one.row], recipe.generic_question_share, rng)
            for one in drawn
        ]
        with autocast(recipe.engine, self.accelerator.device):
            prefix, mask = self.link.prefix([self.rows.texts[one.row] for one in drawn])
            questions, answers = [one.question for one in asked], [one.answer for one in asked]
            loss = label_likelihood(self.link.receiver, prefix, questions, answers, mask=mask)
        torch.autograd.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(projector.parameters(), recipe.max_gradient_norm)
        if not bool(norm.isfinite()):
            raise TrainingError(
                f"stage {recipe.name!r}, step {number}: the gradient is not finite",
                hint="lower the learning rate or train in fp32; it resumes from its last state",
            )
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return {"loss": loss.detach(), "gradient_norm": norm}

    def run(self) -> dict[str, Any]:
        """Train to the last step, resuming where a former run stopped; save the projector.

        Returns:
            As ``Trainer.run``.

        Raises:
            TrainingError: If a gradient is not finite.
            DiskFullError: If a state or the projector finds no room; the former one stays.
        """
        recipe, trained = self.recipe, {"projector": self.link.projector}
        self.link.projector.train()
        self.folder.mkdir(parents=True, exist_ok=True)
        progress = load_state(self.folder, trained, self.optimizers) or {"step": 0, "seconds": 0.0}
        progress |= self.identity
        means, last = Means(self.accelerator), dict(progress.get("means", {}))
        self.clock.start(float(progress["seconds"]))
        with RunLog(self.folder, recipe, progress["step"], is_main=True) as log:
            while not self.clock.is_over(progress["step"]):
                rate = self.rate(progress["step"])
                means.add(self.step(progress["step"]))
                step = progress["step"] = progress["step"] + 1
                self.clock.look()
                is_end = self.clock.is_over(step)
                log.advance(step, self.clock.total(step))
                if is_end or step % recipe.engine.log_every == 0:
                    last = {"learning_rate": rate, **means.take(recipe.batch_size)}
                    log.write(step, last)
                if is_end or step % recipe.engine.save_every == 0:
                    progress |= {"seconds": self.clock.seconds, "means": last}
                    save_state(self.folder, trained, self.optimizers, progress)
            result = {"step": progress["step"], "seconds": round(progress["seconds"], 1), **last}
            result["validation"] = self._finish(progress["step"])
            log.write(progress["step"], {"saved": result["validation"]})
        draw_curves(self.folder)
        return result

    def _finish(self, steps: int) -> dict[str, dict[str, dict[str, float]]]:
        """Save the projector, and measure it as saved."""
        recipe, link = self.recipe, self.link
        folder = self.run_dir / projector_folder(recipe)
        space = LatentSpace(
            name=f"{recipe.sender} to {recipe.receiver}, keys and values",
            lineage=f"seed {recipe.seed}, receiver {link.receiver.weights_digest.hex()[:12]}",
        )
        part = Part(
            "projector",
            link.projector,
            recipe.sender,
            link.sender.weights_digest.hex(),
            space,
            receiver_digest=link.receiver.weights_digest.hex(),
        )
        part.save(folder, bits=recipe.weight_bits)
        saved = Part.load(folder, "projector")
        module = saved.module.to(self.accelerator.device)
        measured = KeyValueLink(link.sender, link.receiver, module)  # type: ignore[arg-type]
        figures: dict[str, dict[str, float]] = {}
        for task, span in self.held_out.spans.items():
            asked = TASKS[task]
            scores = torch.cat(
                [
                    measured.scores(
                        [self.held_out.texts[row] for row in span[start : start + _BATCH]],
                        question=asked.question,
                        choices=asked.choices,
                    )
                    for start in range(0, len(span), _BATCH)
                ]
            )  # [N, C]
            figures[task] = of_choices(scores, [self.held_out.labels[row] for row in span])
        found = {recipe.receiver: figures}
        about = {"sender": recipe.sender, "rows": recipe.validation_rows, "validation": found}
        trained = {"steps": steps, "rows a step": recipe.batch_size, "seed": recipe.seed}
        saved.with_figures(folder, {**about, "trained": trained})
        return found


def build_projector(
    recipe: ProjectorRecipe, sender: FrozenModel, receiver: FrozenModel, texts: list[str]
) -> KeyValueProjector:
    """The projector of a pair with fresh weights, its statistics measured on texts.

    Raises:
        UsageError: If a model has no keys and values.
    """
    ours, theirs = sender.key_values, receiver.key_values
    projector = KeyValueProjector(
        KeyValueProjectorConfig(
            sender_layers=ours.num_layers,
            sender_heads=ours.num_heads,
            sender_head_dim=ours.head_dim,
            num_layers=theirs.num_layers,
            num_heads=theirs.num_heads,
            head_dim=theirs.head_dim,
            inner_width=recipe.projector.inner_width,
        )
    )
    measured = texts[:: max(1, len(texts) // _TEXTS_MEASURED)][:_TEXTS_MEASURED]
    projector.normalizer.set(*(value.cpu() for value in ours.statistics(measured)))
    projector.colorizer.fit(*(value.cpu() for value in theirs.statistics(measured)))
    return projector
