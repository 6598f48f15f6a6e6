"""Link: one model's cache, translated to be another's. No latents, no packet, one pair of models.

It stands beside sender and receiver to be compared with: what it hands over is as long as the text
and as large as a cache, and it must be trained anew for every pair.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor

from latentwire.answer import Answer, check_choices
from latentwire.checkpoint import Part
from latentwire.device import check_device
from latentwire.errors import CheckpointError
from latentwire.frozen import FrozenModel, score_choices
from latentwire.frozen.key_values import read_texts
from latentwire.frozen.scoring import PROMPT_ROOM, ChoiceTrees
from latentwire.models.bridges import KeyValueProjector
from latentwire.text import check_question, check_text

_BYTES_A_NUMBER = 2  # float16, as caches are handed over


class KeyValueLink:
    """A causal sender, a receiver, and the projector between them.

    Args:
        sender: Whose keys and values are read.
        receiver: Whose keys and values they become.
        projector: Trained for this pair.

    Raises:
        UsageError: If the sender has no keys and values, or the receiver's are of another geometry.
    """

    def __init__(
        self, sender: FrozenModel, receiver: FrozenModel, projector: KeyValueProjector
    ) -> None:
        config = projector.config
        sender.key_values.check_geometry(
            config.sender_layers, config.sender_heads, config.sender_head_dim
        )
        receiver.key_values.check_geometry(config.num_layers, config.num_heads, config.head_dim)
        self.sender = sender
        self.receiver = receiver
        self.projector = projector
        self._trees = ChoiceTrees(receiver)

    @classmethod
    def from_pretrained(
        cls,
        sender: str,
        receiver: str,
        *,
        projector: str | os.PathLike[str],
        device: str | None = None,
    ) -> KeyValueLink:
        """Load both models by name and the projector from its folder.

        Raises:
            ModelNotFoundError: If a model is unknown.
            CheckpointError: If the projector is missing, damaged, or of another pair.
            UsageError: If there is no such device.
        """
        check_device(device)
        part = Part.from_pretrained(projector, "projector")
        reading = FrozenModel.load(sender, device=device)
        answering = FrozenModel.load(receiver, device=device)
        _check_model("sender", part.model_digest, sender, reading)
        if part.receiver_digest:  # projectors of before had none
            _check_model("receiver", part.receiver_digest, receiver, answering)
        part.module.to(device or "cpu")
        return cls(reading, answering, part.module)  # type: ignore[arg-type]

    def prefix(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """What the receiver's cache holds of texts, with gradients to the projector.

        Returns:
            float32 [L, 2, B, H, T, D] and mask bool [B, T], right-padded.

        Raises:
            TextTooLongError: If a text does not fit the sender.
        """
        self.sender.check_fits(texts, PROMPT_ROOM)
        key_values, mask = read_texts(self.sender, texts)
        return self.projector(key_values).latents, mask

    @torch.no_grad()
    def scores(
        self, texts: Sequence[str], *, question: str | None = None, choices: Sequence[str]
    ) -> Tensor:
        """Summed log-probability of every choice, float32 [B, C] in nats; see ``ask_batch``."""
        for text in texts:
            check_text(text)
        return self._scores(*self.prefix(texts), question, choices)

    def ask_batch(
        self, texts: Sequence[str], *, question: str | None = None, choices: Sequence[str]
    ) -> list[Answer]:
        """The receiver's answers to a question about texts that the sender read.

        Raises:
            ChoicesError, EmptyTextError, TextTooLongError: See ``Receiver.ask_text_batch``.
        """
        found = self.scores(texts, question=question, choices=choices)
        return [Answer.from_scores(choices, row) for row in found.tolist()]

    @torch.no_grad()
    def ask_zeros(
        self, length: int, *, question: str | None = None, choices: Sequence[str]
    ) -> Answer:
        """The answer where the sender's keys and values are zeros, ``length`` entries of them."""
        config = self.projector.config
        zeros = torch.zeros(
            config.sender_layers, 2, 1, config.sender_heads, length, config.sender_head_dim
        ).to(self.sender.device)
        mask = torch.ones(1, length, dtype=torch.bool, device=self.sender.device)
        found = self._scores(self.projector(zeros).latents, mask, question, choices)
        return Answer.from_scores(choices, found[0].tolist())

    def num_bytes(self, text: str) -> int:
        """Bytes that the sender's cache of a text takes in float16: what is handed over."""
        config = self.projector.config
        entry = 2 * config.sender_layers * config.sender_heads * config.sender_head_dim
        return _BYTES_A_NUMBER * entry * len(self.sender.tokenize([text])[0])

    def _scores(
        self, prefix: Tensor, mask: Tensor, question: str | None, choices: Sequence[str]
    ) -> Tensor:
        check_choices(choices)
        check_question(question)
        tree = self._trees.find(question, choices)
        return score_choices(self.receiver, prefix, mask, tree).cpu()


def _check_model(what: str, digest: str, name: str, frozen: FrozenModel) -> None:
    found = frozen.weights_digest.hex()
    if digest != found:
        raise CheckpointError(
            f"the projector was trained for a {what} with weights {digest[:12]}, but {name!r} has "
            f"{found[:12]}",
            hint="load the models that it was trained for, or train a projector for these",
        )
