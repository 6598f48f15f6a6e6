"""One update of the trained weights, in pieces that processes and memory allow."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from latentwire.errors import InvalidMessageError, TrainingError
from latentwire.training.batches import Batch, Batches, DrawnAhead
from latentwire.training.clock import StageClock
from latentwire.training.compute import autocast
from latentwire.training.objective_terms import TERMS
from latentwire.training.optimizers import build_optimizers, cosine_rate, set_learning_rate
from latentwire.training.parts import StageParts
from latentwire.training.recipe import Recipe, Stage
from latentwire.training.step_loss import OWN_LOSSES, StepLoss
from latentwire.training.weight_rounding import WeightRounding

ROUNDING_STARTS = 0.6  # share of the steps after which weights are trained in their stored bits


class Updates:
    """Makes the update of every step; all that it depends on is seed, step and weights.

    Args:
        recipe: Whose engine settings and seed count.
        stage: What is trained.
        parts: Whose trained modules are updated.
        step_loss: The loss of a batch.
        batches: Draws them.
        accelerator: This process among those that train together.

    Attributes:
        clock: Says how far the stage is; whoever loops over steps starts and reads it.
    """

    def __init__(
        self,
        recipe: Recipe,
        stage: Stage,
        parts: StageParts,
        step_loss: StepLoss,
        batches: Batches,
        accelerator: Accelerator,
    ) -> None:
        self.recipe = recipe
        self.stage = stage
        self.parts = parts
        self.batches = DrawnAhead(batches, in_thread=accelerator.device.type == "cuda")
        self.accelerator = accelerator
        self.clock = StageClock(stage, accelerator)
        self.num_pieces = accelerator.num_processes * recipe.engine.accumulation
        # Synchronizes gradients; alone, it is the module itself.
        self.wrapped: Any = accelerator.prepare_model(step_loss)
        self.optimizers = build_optimizers(
            parts.trained.values(),
            matrices_by=stage.optimizer,
            weight_decay=stage.weight_decay,
            in_float32=recipe.engine.is_float32,
        )

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        stage = self.stage
        return cosine_rate(step, self.clock.total(step), stage.warmup_steps, stage.learning_rate)

    def weights(self, step: int) -> dict[str, float]:
        """Weight of each objective that counts in a step."""
        progress = step / self.clock.total(step)
        weights = {name: getattr(self.stage.objectives, name).at(progress) for name in TERMS}
        used = {name: weight for name, weight in weights.items() if weight}
        # A loss of the encoder's own is always there: before its time it weighs 0.
        own = self.stage.objectives.in_use - TERMS.keys()
        used |= {name: getattr(self.stage.objectives, name).at(progress) for name in own}
        return {**used, OWN_LOSSES: self.stage.own_losses}

    def step(self, number: int) -> dict[str, Tensor]:
        """One update.

        Returns:
            This process's share of the loss and of each objective (the shares of all processes add
            up to that of the whole batch), and the ``gradient_norm`` of the whole, before clipping.

        Raises:
            TrainingError: If a latent or the gradient is not finite; no weight has changed.
        """
        set_learning_rate(self.optimizers, self.rate(number))
        batch, pieces = self.batches.draw(number), self.recipe.engine.accumulation
        first = self.accelerator.process_index * pieces
        found: dict[str, Tensor] = {}
        with self._rounding(number):
            for index in range(first, first + pieces):
                is_last = index == first + pieces - 1
                wait = contextlib.nullcontext() if is_last else self._no_sync()
                with wait:
                    for name, value in self._backward(number, batch, index).items():
                        found[name] = found[name] + value if name in found else value
        parameters = [p for module in self.parts.trained.values() for p in module.parameters()]
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.stage.max_gradient_norm)
        if not bool(norm.isfinite()):
            raise self._not_finite(number, "the gradient")
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return {**found, "gradient_norm": norm}

    def _not_finite(self, number: int, what: str) -> TrainingError:
        return TrainingError(
            f"stage {self.stage.name!r}, step {number}: {what} is not finite",
            hint="lower the learning rate or train in fp32; it resumes from its last state",
        )

    def _no_sync(self) -> contextlib.AbstractContextManager[None]:
        """Gradients of all but the last piece stay in this process."""
        context: contextlib.AbstractContextManager[None] = self.accelerator.no_sync(self.wrapped)
        return context

    def _backward(self, number: int, batch: Batch, index: int) -> dict[str, Tensor]:
        """Add the gradient of one piece of a batch; returns its share of the values."""
        piece, processes = batch.piece(index, self.num_pieces), self.accelerator.num_processes
        # A piece counts by how much it holds of what an objective is a mean over.
        whole, part = batch.counts, piece.counts
        shares = {
            name: part[term.average_over] / max(1, whole[term.average_over])
            for name, term in TERMS.items()
        }
        rows = len(piece.rows) / len(batch.rows)  # what an encoder's own losses are means over
        weights = {
            name: weight * shares.get(name, rows) for name, weight in self.weights(number).items()
        }
        # Whatever is random in a forward pass depends on seed, step and piece alone.
        seed = f"{self.recipe.seed}-{self.stage.name}-{number}-{index}"
        torch.manual_seed(random.Random(seed).getrandbits(63))  # noqa: S311
        try:
            with autocast(self.recipe.engine, self.accelerator.device):
                values = self.wrapped(piece, weights)
        except InvalidMessageError as error:  # the wire takes finite numbers only
            raise self._not_finite(number, "a latent") from error
        self.batches.prepare(number + 1)  # the backward pass leaves Python to other threads
        # Gradients are averaged over processes, and the shares add up.
        (values["loss"] * processes if processes > 1 else values["loss"]).backward()
        return {
            name: value.detach() * (1.0 if name == "loss" else shares.get(name, rows))
            for name, value in values.items()
        }

    def _rounding(self, step: int) -> contextlib.AbstractContextManager[None]:
        """Towards the end, weights are trained with the values that they are stored with."""
        is_late = step >= ROUNDING_STARTS * self.clock.total(step)
        return stored_weights(self.parts, self.stage) if is_late else contextlib.nullcontext()


def stored_weights(parts: StageParts, stage: Stage) -> contextlib.AbstractContextManager[None]:
    """A context in which weights have the values that they are stored with, if that is coarse."""
    coarse: list[nn.Module] = (
        [parts.encoder] if stage.weight_bits == 4 and "encoder" in parts.trained else []
    )
    if stage.adapter_bits == 4:
        coarse += [
            part for name, part in parts.adapters.items() if f"adapter.{name}" in parts.trained
        ]
    return WeightRounding(coarse, 4) if coarse else contextlib.nullcontext()
