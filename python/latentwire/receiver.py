"""Receiver: packet to answer, by a frozen model that reads latents through an adapter. No network.

The adapter decides how: as soft tokens in front of the question, or as keys and values in the cache
of every layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from latentwire.answer import Answer, check_choices
from latentwire.catalog import locate_model
from latentwire.checkpoint import Part, locate_part
from latentwire.device import check_device
from latentwire.errors import SpaceMismatchError
from latentwire.frozen import FrozenModel, generate, score_choices
from latentwire.frozen.adapted import AdaptedModel
from latentwire.frozen.forward import check_reads_prefixes
from latentwire.frozen.model import digest_tensors
from latentwire.frozen.scoring import PROMPT_ROOM, ChoiceTrees, text_prefix
from latentwire.message import ModelRef, Packet, SpaceRef, packet_bytes
from latentwire.models import Adapter, DeepAdapter
from latentwire.models.message_mask import message_mask
from latentwire.sender import check_part_fits
from latentwire.text import check_question, check_text


class Receiver:
    """A frozen causal model and its adapter.

    Attributes:
        name: The model's name.
        space: The latent space that it reads.
        ref: Who it is, as a packet's header would name it.
        frozen: The model as it was published; it reads texts.
        listener: What reads messages: the same, or that model with the part's LoRA weights, which
            it shares its own with.
    """

    def __init__(self, frozen: FrozenModel, part: Part) -> None:
        check_reads_prefixes(frozen)
        self.frozen = frozen
        self.listener = (
            frozen if part.lora is None else AdaptedModel.with_weights(frozen, part.lora)
        )
        self.adapter: Adapter | DeepAdapter = part.module  # type: ignore[assignment]
        if isinstance(self.adapter, DeepAdapter):
            config = self.adapter.config
            frozen.key_values.check_geometry(config.num_layers, config.num_heads, config.head_dim)
        self.manifest = part.space
        self.name = frozen.name
        self.space: SpaceRef = part.space.ref
        weights = dict(part.module.state_dict())
        if part.lora is not None:
            weights |= {f"receiver_lora.{name}": value for name, value in part.lora.weights.items()}
        self.ref = ModelRef(name=self.name, fingerprint=digest_tensors(weights))
        self._trees = ChoiceTrees(frozen)

    def __repr__(self) -> str:
        return f"<Receiver {self.name!r} of space {self.space.name!r}>"

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str,
        *,
        adapter: str | None = None,
        device: str | None = None,
        frozen: FrozenModel | None = None,
    ) -> Receiver:
        """Load a frozen model by shipped name, folder or hub name, and its adapter.

        Args:
            name_or_path: ``"tiny-qwen"`` or any causal model with an adapter.
            adapter: Folder of a trained adapter; default: the shipped one of this model.
            device: Where to run, e.g. ``"cuda"``; default: the CPU.
            frozen: The model, if it is loaded already; a host that also sends shares it.

        Raises:
            UsageError: If there is no such device.
            ModelNotFoundError: If the model is unknown or no adapter is known for it.
            CheckpointError: If files are missing or damaged, or the adapter is of another model.
            MissingExtraError: If the adapter comes with LoRA weights and ``peft`` is missing.
        """
        check_device(device)
        locate_model(name_or_path)  # an unknown name is refused as such, not for its adapter
        part = Part.from_pretrained(locate_part("adapter", name_or_path, adapter), "adapter")
        frozen = frozen or FrozenModel.load(name_or_path, device=device)
        check_part_fits(part, frozen)
        part.module.to(device or "cpu")
        return cls(frozen, part)

    def ask(
        self, packet: Packet | bytes, *, question: str | None = None, choices: Sequence[str]
    ) -> Answer:
        """Answer a closed question about a message.

        Args:
            packet: A packet of this receiver's latent space, or its bytes.
            question: What is asked, e.g. ``"Sentiment:"``; None asks the generic question.
            choices: The answers to score, at least two, distinct, not empty.

        Raises:
            ChoicesError: If the choices are not as said.
            SpaceMismatchError: If the packet is of another latent space or meant for another model.
            WireError: If the bytes are not a packet.
        """
        return self.ask_batch([packet], question=question, choices=choices)[0]

    def ask_batch(
        self,
        packets: Sequence[Packet | bytes],
        *,
        question: str | None = None,
        choices: Sequence[str],
    ) -> list[Answer]:
        """The same question about several messages in one pass; see ``ask``."""
        check_choices(choices)
        check_question(question)
        prefix, mask = self._prefix(packets)
        return self._score(self.listener, prefix, mask, question, choices)

    def ask_text(self, text: str, *, question: str | None = None, choices: Sequence[str]) -> Answer:
        """Answer after reading the text itself: what the latent path is measured against."""
        return self.ask_text_batch([text], question=question, choices=choices)[0]

    def ask_text_batch(
        self, texts: Sequence[str], *, question: str | None = None, choices: Sequence[str]
    ) -> list[Answer]:
        """The same question about several texts in one pass; see ``ask_text``."""
        check_choices(choices)
        check_question(question)
        for text in texts:
            check_text(text)
        self.frozen.check_fits(texts, PROMPT_ROOM)
        prefix, mask = text_prefix(self.frozen, texts)
        return self._score(self.frozen, prefix, mask, question, choices)

    def ask_nothing(self, *, question: str | None = None, choices: Sequence[str]) -> Answer:
        """Answer without any message: the control that shows what the question alone gives away."""
        check_choices(choices)
        check_question(question)
        device = self.frozen.device
        prefix = torch.zeros(1, 0, self.frozen.hidden_size, device=device)
        mask = torch.zeros(1, 0, dtype=torch.bool, device=device)
        return self._score(self.listener, prefix, mask, question, choices)[0]

    def generate(
        self, packet: Packet | bytes, *, question: str | None = None, max_new_tokens: int = 32
    ) -> str:
        """Write an answer to a question about a message, greedily.

        Raises:
            SpaceMismatchError, WireError: See ``ask``.
        """
        check_question(question)
        prefix, mask = self._prefix([packet])
        return generate(self.listener, prefix, mask, question, max_new_tokens=max_new_tokens)[0]

    def generate_text(
        self, text: str, *, question: str | None = None, max_new_tokens: int = 32
    ) -> str:
        """Write an answer after reading the text itself."""
        check_text(text)
        check_question(question)
        self.frozen.check_fits([text], PROMPT_ROOM + max_new_tokens)
        prefix, mask = text_prefix(self.frozen, [text])
        return generate(self.frozen, prefix, mask, question, max_new_tokens=max_new_tokens)[0]

    def _score(
        self,
        model: FrozenModel,
        prefix: Tensor,
        mask: Tensor,
        question: str | None,
        choices: Sequence[str],
    ) -> list[Answer]:
        tree = self._trees.find(question, choices)
        scores = score_choices(model, prefix, mask, tree).cpu().tolist()
        return [Answer.from_scores(choices, row) for row in scores]

    def read(self, packets: Sequence[Packet | bytes]) -> tuple[Tensor, Tensor]:
        """What the frozen model is given in the place of texts.

        Returns:
            Soft tokens [B, P, d] or a key/value prefix [L, 2, B, H, P, D]; and bool [B, P], False
            where a message is shorter than the longest.

        Raises:
            SpaceMismatchError, WireError: See ``ask``.
        """
        return self._prefix(packets)

    @torch.inference_mode()
    def _prefix(self, packets: Sequence[Packet | bytes]) -> tuple[Tensor, Tensor]:
        """Packets to the adapter's prefix and mask bool [B, P]; shorter messages are padded."""
        rows = [self._latents(packet) for packet in packets]
        width = max(row.shape[0] for row in rows)
        latents = np.zeros((len(rows), width, self.manifest.latent_width), dtype=np.float32)
        lengths = np.array([row.shape[0] for row in rows])
        for target, row in zip(latents, rows, strict=True):
            target[: row.shape[0]] = row
        device = self.frozen.device
        mask = message_mask(self.adapter.config, torch.from_numpy(lengths).to(device), width)
        assert mask is not None
        prefix: Tensor = self.adapter(torch.from_numpy(latents).to(device))
        self._check_finite(prefix)
        return prefix, mask

    def _check_finite(self, prefix: Tensor) -> None:
        """Refuse what the adapter cannot compute with: every answer to it would be not a number."""
        if bool(prefix.isfinite().all()):
            return
        finite = (prefix if prefix.ndim == 3 else prefix.movedim(2, 0)).flatten(1).isfinite().all(1)
        raise SpaceMismatchError(
            f"{self.name!r} cannot read packet {int(finite.int().argmin()) + 1} of {len(finite)}: "
            f"its latents are finite, but far larger than any that are written in "
            f"{self.space.name!r}",
            hint="write packets with an encoder of this space",
        )

    def _latents(self, data: Packet | bytes) -> np.ndarray:
        """Check that a packet is for this receiver and decode its latents, float32 [k, d_z]."""
        packet = data if isinstance(data, Packet) else Packet.from_bytes(packet_bytes(data))
        if packet.space.fingerprint != self.space.fingerprint:
            raise SpaceMismatchError(
                f"the packet is of latent space {packet.space.name!r} "
                f"({packet.space.fingerprint.hex()[:12]}), but {self.name!r} reads "
                f"{self.space.name!r} ({self.space.fingerprint.hex()[:12]})",
                hint="send with an encoder of this space, or host a receiver of that one",
            )
        receiver = packet.receiver
        if receiver is not None and receiver.fingerprint != self.ref.fingerprint:
            raise SpaceMismatchError(
                f"the packet is meant for {receiver.name!r} ({receiver.fingerprint.hex()[:12]}), "
                f"not for {self.name!r} ({self.ref.fingerprint.hex()[:12]})"
            )
        latents = packet.decode().latents
        if latents.ndim != 2 or latents.shape[1] != self.manifest.latent_width:
            raise SpaceMismatchError(
                f"the packet holds latents of shape {tuple(latents.shape)}, but space "
                f"{self.space.name!r} has width {self.manifest.latent_width}"
            )
        if latents.shape[0] > self.manifest.num_latents:
            raise SpaceMismatchError(
                f"the packet holds {latents.shape[0]} latents, but space {self.space.name!r} "
                f"has at most {self.manifest.num_latents}"
            )
        return latents
