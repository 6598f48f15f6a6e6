"""The loss of a step as one module: what is trained goes in, the recipe's objectives come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from latentwire.message import Encoding
from latentwire.models.bridges import Encoded, encode
from latentwire.models.message_mask import message_mask
from latentwire.models.quantizer import through_the_wire
from latentwire.models.state_reader import StateReader
from latentwire.training.batches import Batch
from latentwire.training.features import EncoderInputs
from latentwire.training.objective_terms import TERMS, Step
from latentwire.training.parts import StageParts
from latentwire.training.placement import Placed, Placements
from latentwire.transfer import to_device

OWN_LOSSES = "own_losses"
"""Name of the weight of what the encoder itself asks to be minimized."""


class StepLoss(nn.Module):
    """Weighted sum of objectives over a batch.

    Trained parts are submodules, so that they are what is wrapped, moved and synchronized; frozen
    models are not.

    Args:
        parts: What a stage builds.
        encoding: The wire's payload encoding, whose rounding is in the loop.
        texts: Every text, by row.
        inputs: The encoder's inputs, by row.
        teacher_inputs: The teacher's, if there is one.
    """

    def __init__(
        self,
        parts: StageParts,
        encoding: Encoding,
        texts: Sequence[str],
        inputs: EncoderInputs,
        teacher_inputs: EncoderInputs | None,
    ) -> None:
        super().__init__()
        self.encoder = parts.encoder
        self.adapters = nn.ModuleList(parts.adapters.values())
        self.heads = nn.ModuleDict(parts.heads)
        self.additions = nn.ModuleList(parts.additions.values())
        self.receivers = parts.receivers
        self.sender = parts.sender
        self.encoding: Encoding = encoding
        self.texts = texts
        self.inputs = inputs
        # In a list: a teacher is no submodule.
        self.teacher = [parts.teacher[0]] if parts.teacher else []
        self.teacher_inputs = teacher_inputs
        frozen = parts.teacher[1] if parts.teacher else None
        self.teaches_itself = (
            frozen is not None
            and parts.sender is not None
            and frozen.weights_digest == parts.sender.weights_digest
        )
        self.placements = Placements(parts.encoder, parts.sender, texts)
        is_learning = "encoder" in parts.trained
        self.takes_target = is_learning and bool(getattr(parts.encoder, "takes_target", False))

    def forward(self, batch: Batch, weights: Mapping[str, float]) -> dict[str, Tensor]:
        """Loss of a batch.

        Args:
            batch: Rows and what is asked of them.
            weights: Weight of each objective that counts, others are not computed; of a loss that
                the encoder itself has, by its name; and of ``OWN_LOSSES``, its others.

        Returns:
            ``loss``, the weighted sum, a scalar with gradients; and each objective by its name, a
            scalar without weight and gradients.
        """
        states, mask = self.inputs.batch(batch.rows)
        seen = mask
        if batch.kept is not None:
            seen = mask & to_device(batch.kept[:, : mask.shape[1]], mask.device)
        target = self._teach(batch).latents if self.takes_target else None
        encoded = encode(self.encoder, states, seen, batch.num_latents, target)
        latents = encoded.latents  # [B, k, d_z]
        config: Any = self._adapter(batch.receiver).config
        step = Step(
            batch,
            latents,
            self.receivers[batch.receiver],
            [self.texts[row] for row in batch.rows],
            cross=lambda sent: through_the_wire(sent, self.encoding),
            read=lambda arrived: self._read(arrived, batch.receiver),
            teach=lambda: self._teach(batch),
            comparable=self._comparable(latents.shape[1]),
            heads=dict(self.heads.items()),
            words=lambda: self._words(batch),
            heard=lambda: (self._normalized(states), mask),  # also what dropout hid
            placed=lambda: self._placed(batch, seen),
            first_segment=getattr(self.encoder.config, "segments_from", 0),
            adapter_config=config,
            prefix_mask=message_mask(config, encoded.lengths, latents.shape[1]),
        )
        loss = latents.new_zeros(())
        found = {}
        for name in (name for name in TERMS if name in weights):
            value = TERMS[name].function(step)
            loss = loss + weights[name] * value
            found[name] = value.detach()
        for name, value in encoded.losses.items():
            loss = loss + weights.get(name, weights[OWN_LOSSES]) * value
            found[name] = value.detach()
        return {"loss": loss, **found}

    def _read(self, arrived: Tensor, receiver: str) -> Tensor:
        """What a receiver reads of latents [B, k, d_z] that crossed the wire."""
        prefix: Tensor = self._adapter(receiver)(arrived)
        return prefix

    def _adapter(self, receiver: str) -> nn.Module:
        return self.adapters[list(self.receivers).index(receiver)]

    def _words(self, batch: Batch) -> list[list[int]]:
        """What the sender makes of each text, as far as it reads it: ids of tokens, or bytes."""
        texts = [self.texts[row] for row in batch.rows]
        if self.sender is None:
            return [list(text.encode()) for text in texts]
        room = self.sender.text_room
        return [ids[:room] or self.sender.begin for ids in self.sender.tokenize(texts)]

    def _placed(self, batch: Batch, mask: Tensor) -> list[Placed]:
        """The receiver's tokens of each text, placed in what the encoder makes of it."""
        return self.placements.of(
            batch.rows,
            mask,
            self.receivers[batch.receiver],
            self._adapter(batch.receiver).config,  # type: ignore[arg-type]
            whole=batch.kept is None,
        )

    @torch.no_grad()
    def _normalized(self, states: Tensor) -> Tensor:
        """A frozen sender's states as the encoder reads them, [B, T, d]."""
        assert isinstance(self.encoder, StateReader)
        return self.encoder.read(states)

    def _comparable(self, k: int) -> int:
        """How many of k latents stand for the same in the teacher's messages as in these.

        Another model cuts a text into other tokens, and so into other segments.
        """
        segments = _segments(self.teacher[0]) if self.teacher else None
        if segments is None or (self.teaches_itself and segments == _segments(self.encoder)):
            return k
        config: Any = self.teacher[0].config
        return min(k, int(config.segments_from))

    def _teach(self, batch: Batch) -> Encoded:
        """The teacher's messages for the same rows."""
        assert self.teacher_inputs is not None
        with torch.no_grad():
            inputs = self.teacher_inputs.batch(batch.rows)
            return encode(self.teacher[0], *inputs, batch.num_latents)


def _segments(encoder: nn.Module) -> tuple[int, int] | None:
    """Into how many segments of how many pieces an encoder cuts a text; None if into none."""
    config: Any = encoder.config
    if not getattr(config, "segment_latents", 0):
        return None
    return config.segment_latents, config.segment_parts
