"""How well receivers answer from messages about rows that nothing is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from latentwire.frozen import ChoiceTree, FrozenModel
from latentwire.frozen.scoring import choice_scores
from latentwire.message import Encoding
from latentwire.models.bridges import encode
from latentwire.models.quantizer import through_the_wire
from latentwire.tasks import TASKS
from latentwire.training.data import Rows
from latentwire.training.features import EncoderInputs

_BATCH = 64

Figures = dict[str, dict[str, dict[str, float]]]
"""Receiver -> task -> ``accuracy`` in percent and ``loss`` in nats an answer."""


@dataclass(frozen=True)
class Validation:
    """Rows of the validation splits, and what the encoder reads of them.

    Attributes:
        rows: The rows; nothing but scoring sees their labels.
        inputs: The encoder's inputs of those rows.
        encoding: The wire's payload encoding.
    """

    rows: Rows
    inputs: EncoderInputs
    encoding: Encoding

    @torch.no_grad()
    def measure(
        self,
        encoder: nn.Module,
        adapters: Mapping[str, nn.Module],
        receivers: Mapping[str, FrozenModel],
    ) -> Figures:
        """Accuracy and loss by receiver and task; modules are in evaluation mode meanwhile.

        Every process measures everything: with sharded receivers all must take part in every pass,
        and the rows are few.
        """
        modules = [encoder, *adapters.values()]
        training = [module.training for module in modules]
        for module in modules:
            module.eval()
        figures: Figures = {name: {} for name in receivers}
        for task, span in self.rows.spans.items():
            sent = [
                through_the_wire(
                    encode(encoder, *self.inputs.batch(list(chosen))).latents, self.encoding
                )
                for chosen in (
                    span[start : start + _BATCH] for start in range(0, len(span), _BATCH)
                )
            ]
            labels = torch.tensor([self.rows.labels[row] for row in span])
            for name, frozen in receivers.items():
                tree = ChoiceTree.build(frozen, TASKS[task].question, TASKS[task].choices)
                scores = torch.cat(
                    [choice_scores(frozen, adapters[name](z), None, tree).cpu() for z in sent]
                )  # [N, C]
                right = scores.argmax(1) == labels
                figures[name][task] = {
                    "accuracy": round(100 * float(right.float().mean()), 1),
                    "loss": round(-float(scores.gather(1, labels[:, None]).mean()), 4),
                }
        for module, was_training in zip(modules, training, strict=True):
            module.train(was_training)
        return figures


def mean_of(figures: Figures, measure: str) -> float:
    """Mean of a measure over receivers and tasks."""
    values = [task[measure] for tasks in figures.values() for task in tasks.values()]
    return sum(values) / len(values)
