"""Objectives by the names that recipes use: what each looks at, and what it is an average over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import torch
from torch import Tensor, nn

from latentwire.frozen import FrozenModel
from latentwire.frozen.model import right_padded
from latentwire.models import AdapterConfig, DeepAdapterConfig
from latentwire.models.bridges import Encoded
from latentwire.models.message_mask import message_mask
from latentwire.training import objectives
from latentwire.training.batches import Batch
from latentwire.training.placement import Placed
from latentwire.transfer import to_device

Unit = Literal["rows", "answers", "closed questions", "answer tokens", "predictions"]


class Step:
    """What objectives may look at, each computed when one first asks for it.

    Args:
        batch: Rows, and what is asked of them.
        latents: The messages [B, k, d_z], before the wire.
        receiver: Who reads them.
        texts: The texts of the rows.
        cross: Latents [B, k, d_z] to what arrives of them.
        read: What arrived to what the receiver reads of it: soft tokens [B, k, d] or a key/value
            prefix.
        teach: Makes the teacher's messages [B, k, d_z], and says how long they are.
        comparable: How many of the latents stand for the same in both messages, from the first.
        heads: Training-only heads, by the objective that each is for.
        words: Token ids of each text, in the sender's tokens; bytes for plain bytes.
        heard: Makes the sender's states as the encoder reads them, normalized [B, T, d], and their
            mask bool [B, T].
        placed: Finds the receiver's tokens of each text in the encoder's segments.
        first_segment: The first latent that stands for a segment.
        adapter_config: Of the adapter that ``read`` reads with.
        prefix_mask: bool [B, P], False where a message is shorter than k; None: none is.
    """

    def __init__(
        self,
        batch: Batch,
        latents: Tensor,
        receiver: FrozenModel,
        texts: list[str],
        *,
        cross: Callable[[Tensor], Tensor],
        read: Callable[[Tensor], Tensor],
        teach: Callable[[], Encoded],
        comparable: int,
        heads: Mapping[str, nn.Module],
        words: Callable[[], list[list[int]]],
        heard: Callable[[], tuple[Tensor, Tensor]],
        placed: Callable[[], list[Placed]],
        first_segment: int,
        adapter_config: AdapterConfig | DeepAdapterConfig,
        prefix_mask: Tensor | None,
    ) -> None:
        self.batch = batch
        self.latents = latents
        self.receiver = receiver
        self.texts = texts
        self.heads = heads
        self.words = words
        self.heard = heard
        self.placed = placed
        self.first_segment = first_segment
        self.adapter_config = adapter_config
        self.prefix_mask = prefix_mask
        self._cross = cross
        self._read = read
        self._teach = teach
        self._comparable = comparable

    @cached_property
    def sent(self) -> Tensor:
        """The messages [B, k, d_z], after the wire."""
        return self._cross(self.latents)

    @cached_property
    def prefix(self) -> Tensor:
        """What the receiver reads."""
        return self._read(self.sent)

    @cached_property
    def _taught(self) -> Encoded:
        with torch.no_grad():
            return self._teach()

    @property
    def compared(self) -> tuple[Tensor, Tensor]:
        """What can be compared of the messages and of the teacher's, [B, j, d_z] each, j <= k."""
        return (
            self.latents[:, : self._comparable],
            self._taught.latents[:, : self._comparable],
        )

    @cached_property
    def taught_prefix(self) -> Tensor:
        """What the receiver reads of the teacher's messages, without gradients."""
        with torch.no_grad():
            return self._read(self._cross(self._taught.latents))

    @property
    def taught_mask(self) -> Tensor | None:
        """As ``prefix_mask``, of the teacher's messages."""
        lengths, k = self._taught.lengths, self._taught.latents.shape[1]
        return message_mask(self.adapter_config, lengths, k)


@dataclass(frozen=True)
class Term:
    """An objective.

    Attributes:
        function: Its value in a step, a scalar.
        average_over: What the value is a mean over: when a batch is computed in pieces, a piece
            counts by how many of these it holds.
    """

    function: Callable[[Step], Tensor]
    average_over: Unit = "rows"


def _label_likelihood(step: Step) -> Tensor:
    batch = step.batch
    return objectives.label_likelihood(
        step.receiver, step.prefix, batch.questions, batch.answers, mask=step.prefix_mask
    )


def _choice_likelihood(step: Step) -> Tensor:
    return objectives.choice_likelihood(
        step.receiver, step.prefix, step.batch.closed, mask=step.prefix_mask
    )


def _answer_generation(step: Step) -> Tensor:
    batch = step.batch
    return objectives.answer_generation(
        step.receiver, step.prefix, batch.questions, batch.answers, mask=step.prefix_mask
    )


def _first_token_likelihood(step: Step) -> Tensor:
    batch = step.batch
    return objectives.first_token_likelihood(
        step.receiver, step.prefix, batch.questions, batch.answers, mask=step.prefix_mask
    )


def _text_distillation(step: Step) -> Tensor:
    batch = step.batch
    return objectives.text_distillation(
        step.receiver,
        step.prefix,
        step.texts,
        batch.questions,
        batch.answers,
        mask=step.prefix_mask,
    )


def _message_distillation(step: Step) -> Tensor:
    batch = step.batch
    return objectives.message_distillation(
        step.receiver,
        step.prefix,
        step.taught_prefix,
        batch.questions,
        batch.answers,
        mask=step.prefix_mask,
        teacher_mask=step.taught_mask,
    )


def _latent_distillation(step: Step) -> Tensor:
    return objectives.latent_distillation(*step.compared)


def _contrastive(step: Step) -> Tensor:
    """Its negatives are the other rows of a piece, so pieces change it a little."""
    return objectives.contrastive(*step.compared)


def _manifold_anchoring(step: Step) -> Tensor:
    table = step.receiver.model.get_input_embeddings().weight
    return objectives.manifold_anchoring(step.prefix, table)


def _norm_matching(step: Step) -> Tensor:
    return objectives.norm_matching(step.prefix, _embedding_norm(step.receiver))


@lru_cache(maxsize=8)
def _embedding_norm(frozen: FrozenModel) -> float:
    """Root mean square norm of a receiver's token embeddings."""
    mean, deviation = frozen.embedding_statistics()
    return float((mean.square() + deviation.square()).sum().sqrt())


def _segment_alignment(step: Step) -> Tensor:
    receiver, placed, adapter = step.receiver, step.placed(), step.adapter_config
    assert isinstance(adapter, AdapterConfig)
    device = step.prefix.device
    return objectives.segment_alignment(
        step.prefix[:, adapter.tokens_of(step.first_segment) :],
        to_device(right_padded([text.ids for text in placed], 0), device),
        to_device(right_padded([text.places for text in placed], -1), device),
        receiver.model.get_input_embeddings().weight,
        _embedding_mean(receiver),
    )


@lru_cache(maxsize=8)
def _embedding_mean(frozen: FrozenModel) -> Tensor:
    """Mean of a receiver's token embeddings [d]."""
    return frozen.embedding_statistics()[0]


def _diversity(step: Step) -> Tensor:
    return objectives.diversity(step.latents)


def _bag_of_words(step: Step) -> Tensor:
    return objectives.bag_of_words(step.heads["bag_of_words"](step.sent), step.words())


def _reconstruction(step: Step) -> Tensor:
    states, mask = step.heard()
    decoded = step.heads["reconstruction"](step.sent, mask.shape[1])
    return objectives.reconstruction(decoded, states, mask)


TERMS: dict[str, Term] = {
    "latent_distillation": Term(_latent_distillation),
    "label_likelihood": Term(_label_likelihood, "answers"),
    "choice_likelihood": Term(_choice_likelihood, "closed questions"),
    "message_distillation": Term(_message_distillation, "predictions"),
    "text_distillation": Term(_text_distillation, "predictions"),
    "answer_generation": Term(_answer_generation, "answer tokens"),
    "first_token_likelihood": Term(_first_token_likelihood, "answers"),
    "contrastive": Term(_contrastive),
    "manifold_anchoring": Term(_manifold_anchoring),
    "norm_matching": Term(_norm_matching),
    "segment_alignment": Term(_segment_alignment),
    "diversity": Term(_diversity),
    "bag_of_words": Term(_bag_of_words),
    "reconstruction": Term(_reconstruction),
}
"""Every objective that a recipe may name, in the order in which their values are added up."""
