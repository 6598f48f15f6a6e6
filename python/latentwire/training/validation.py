"""How well receivers answer from messages about rows that nothing is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from latentwire.frozen import ChoiceTree, FrozenModel
from latentwire.frozen.scoring import choice_scores
from latentwire.judging import judge
from latentwire.message import Encoding
from latentwire.models.bridges import encode
from latentwire.models.message_mask import message_mask
from latentwire.models.quantizer import through_the_wire
from latentwire.tasks import TASKS
from latentwire.training.data import Rows
from latentwire.training.features import EncoderInputs

_BATCH = 64

Figures = dict[str, dict[str, dict[str, float]]]
"""Receiver -> task or kind of question -> ``accuracy`` in percent, ``loss`` in nats an answer."""


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
            if task not in TASKS:
                continue
            sent = self._send(encoder, span)
            labels = [self.rows.labels[row] for row in span]
            for name, frozen in receivers.items():
                tree = ChoiceTree.build(frozen, TASKS[task].question, TASKS[task].choices)
                scores = torch.cat(
                    [choice_scores(frozen, *_read(adapters[name], *z), tree).cpu() for z in sent]
                )  # [N, C]
                figures[name][task] = of_choices(scores, labels)
        for kind, questions in self.rows.asked.items():
            asked = [question for _, question in questions]
            sent = self._send(encoder, [row for row, _ in questions])
            for name, frozen in receivers.items():
                judged = [
                    judge(frozen, *_read(adapters[name], *z), asked[start : start + _BATCH])
                    for start, z in zip(range(0, len(asked), _BATCH), sent, strict=True)
                ]
                right = torch.cat([found.are_right for found in judged])
                likelihood = torch.cat([found.log_likelihoods for found in judged])
                figures[name][kind] = of_answers(right, likelihood)
        for module, was_training in zip(modules, training, strict=True):
            module.train(was_training)
        return figures

    def _send(self, encoder: nn.Module, rows: Sequence[int]) -> list[tuple[Tensor, Tensor | None]]:
        """Messages [B, K, d_z] as they come out of the wire, and their lengths, in batches."""
        sent = []
        for start in range(0, len(rows), _BATCH):
            encoded = encode(encoder, *self.inputs.batch(list(rows[start : start + _BATCH])))
            sent.append((through_the_wire(encoded.latents, self.encoding), encoded.lengths))
        return sent


def _read(
    adapter: nn.Module, latents: Tensor, lengths: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """What a receiver reads of messages [B, K, d_z] of these lengths, and its mask."""
    config: Any = adapter.config
    return adapter(latents), message_mask(config, lengths, latents.shape[1])


def of_choices(scores: Tensor, labels: Sequence[int]) -> dict[str, float]:
    """Figures of log-probabilities [N, C] of all choices, and the index of each right one."""
    right = torch.tensor(labels)
    return of_answers(scores.argmax(1) == right, scores.gather(1, right[:, None]))


def of_answers(are_right: Tensor, log_likelihoods: Tensor) -> dict[str, float]:
    """Figures of which answers are right, bool [N], and of how likely the right ones were."""
    return {
        "accuracy": round(100 * float(are_right.float().mean()), 1),
        "loss": round(-float(log_likelihoods.mean()), 4),
    }


def mean_of(figures: Figures, measure: str) -> float:
    """Mean of a measure over receivers, tasks and kinds of questions."""
    values = [task[measure] for tasks in figures.values() for task in tasks.values()]
    return sum(values) / len(values)
