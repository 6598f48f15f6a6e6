"""Sender: text to packet. Knows neither the task, the question nor the receiver, and no network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from latentwire.catalog import BYTES, locate_model
from latentwire.checkpoint import Part, locate_part
from latentwire.device import check_device
from latentwire.errors import CheckpointError, TextTooLongError, UsageError
from latentwire.frozen import FrozenModel, generate
from latentwire.frozen.model import digest_tensors
from latentwire.frozen.scoring import PROMPT_ROOM, text_prefix
from latentwire.message import (
    Compression,
    Encoding,
    Message,
    ModelRef,
    Packet,
    Scales,
    SpaceRef,
)
from latentwire.models import ByteEncoder
from latentwire.models.bridges import Encoded, encode
from latentwire.models.registry import Encoder
from latentwire.resources import NO_RESOURCES, Resources
from latentwire.text import check_question, check_text


class Sender:
    """A frozen model and its encoder; or the byte encoder alone.

    Attributes:
        name: The model's name, ``"bytes"`` for the byte encoder.
        space: The latent space of its messages.
        ref: What a packet's header says of it.
    """

    def __init__(self, frozen: FrozenModel | None, part: Part) -> None:
        self.frozen = frozen
        self.encoder: Encoder = part.module  # type: ignore[assignment]
        self.manifest = part.space
        self.name = frozen.name if frozen else BYTES
        self.space: SpaceRef = part.space.ref
        self.ref = ModelRef(name=self.name, fingerprint=digest_tensors(part.module.state_dict()))

    def __repr__(self) -> str:
        return f"<Sender {self.name!r} in space {self.space.name!r}>"

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str,
        *,
        encoder: str | None = None,
        device: str | None = None,
        frozen: FrozenModel | None = None,
    ) -> Sender:
        """Load a frozen model by shipped name, folder or hub name, and its encoder.

        Args:
            name_or_path: ``"tiny-llama"``, ``"minilm"``, ``"bytes"`` or any model with an encoder.
            encoder: Folder of a trained encoder; default: the shipped one of this model.
            device: Where to run, e.g. ``"cuda"``; default: the CPU.
            frozen: The model, if it is loaded already; a host that also receives shares it.

        Raises:
            UsageError: If there is no such device.
            ModelNotFoundError: If the model is unknown or no encoder is known for it.
            CheckpointError: If files are missing or damaged, or the encoder is of another model.
        """
        check_device(device)
        if name_or_path != BYTES:
            locate_model(name_or_path)  # an unknown name is refused as such, not for its encoder
        part = Part.from_pretrained(locate_part("encoder", name_or_path, encoder), "encoder")
        if part.module.kind == ByteEncoder.kind:
            frozen = None
        elif frozen is None:
            frozen = FrozenModel.load(name_or_path, device=device)
        check_part_fits(part, frozen)
        part.module.to(device or "cpu")
        return cls(frozen, part)

    def latents(self, texts: Sequence[str], k: int | None = None) -> Tensor:
        """The first k latents of each text, float32 [B, k, d_z], before quantization.

        Of a text that needs fewer, the last ones say nothing, and ``encode`` does not send them.

        Raises:
            EmptyTextError: If a text has no visible character.
            TextTooLongError: If a text is too long to be sent.
            UsageError: If k is not within 1..K.
        """
        return self._encoded(texts, k).latents

    @torch.inference_mode()
    def _encoded(self, texts: Sequence[str], k: int | None) -> Encoded:
        for text in texts:
            check_text(text)
        self._check_lengths(texts)
        if k is not None and not 1 <= k <= self.manifest.num_latents:
            raise UsageError(f"k must be within 1..{self.manifest.num_latents}, not {k}")
        if isinstance(self.encoder, ByteEncoder):
            states, mask = self.encoder.batch(texts)
        else:
            assert self.frozen is not None
            states, mask = self.frozen.hidden_states(texts, self.encoder.config.layer)
        return encode(self.encoder, states, mask, k)

    def _check_lengths(self, texts: Sequence[str]) -> None:
        """Refuse what the model would cut: a message about half a text must not pass for whole."""
        if self.frozen is not None:
            self.frozen.check_fits(texts)
            return
        assert isinstance(self.encoder, ByteEncoder)
        limit = self.encoder.config.max_bytes
        for text in texts:
            size = len(text.encode())
            if size > limit:
                raise TextTooLongError(
                    f"the text has {size:,} bytes, {self.name!r} reads at most {limit:,}",
                    hint="send it in parts, each as a message of its own",
                )

    def encode(
        self,
        text: str,
        *,
        k: int | None = None,
        encoding: Encoding = "int8",
        scales: Scales = "row",
        asymmetric: bool = False,
        compression: Compression = "none",
        resources: Resources = NO_RESOURCES,
    ) -> Packet:
        """One text as a packet.

        Args:
            text: What to send; the sender is not told what will be asked about it.
            k: The most latents to send, from the first; default: all of the space. A text that
                needs fewer, by an encoder whose latents stand for segments, is sent in fewer.
            encoding: Payload encoding of the latents.
            scales: Which latents share a scale.
            asymmetric: Whether scales have zero points.
            compression: Lossless stage on top.
            resources: Tables and dictionaries that both ends have, for that stage.

        Raises:
            EmptyTextError, TextTooLongError, UsageError: See ``latents``.
        """
        return self.encode_batch(
            [text],
            k=k,
            encoding=encoding,
            scales=scales,
            asymmetric=asymmetric,
            compression=compression,
            resources=resources,
        )[0]

    def encode_batch(
        self,
        texts: Sequence[str],
        *,
        k: int | None = None,
        encoding: Encoding = "int8",
        scales: Scales = "row",
        asymmetric: bool = False,
        compression: Compression = "none",
        resources: Resources = NO_RESOURCES,
    ) -> list[Packet]:
        """Several texts, each as a packet of its own; see ``encode``."""
        if not texts:
            return []
        encoded = self._encoded(texts, k)
        lengths = [None] * len(texts) if encoded.lengths is None else encoded.lengths.tolist()
        return [
            Message(latents=row[:length], sender=self.ref, space=self.space).encode(
                encoding,
                scales=scales,
                asymmetric=asymmetric,
                compression=compression,
                resources=resources,
            )
            for row, length in zip(encoded.latents.cpu().numpy(), lengths, strict=True)
        ]

    def generate(self, text: str, *, question: str | None = None, max_new_tokens: int = 32) -> str:
        """Text that the frozen model itself writes after a text: the relay that latents replace.

        Raises:
            UsageError: If the model cannot generate.
        """
        check_text(text)
        check_question(question)
        if self.frozen is None or not self.frozen.is_causal:
            raise UsageError(
                f"{self.name} cannot write text", hint="use a causal language model as sender"
            )
        self.frozen.check_fits([text], PROMPT_ROOM + max_new_tokens)
        prefix, mask = text_prefix(self.frozen, [text])
        return generate(self.frozen, prefix, mask, question, max_new_tokens=max_new_tokens)[0]


def check_part_fits(part: Part, frozen: FrozenModel | None) -> None:
    """Refuse a part that was trained for other weights.

    Raises:
        CheckpointError: If width or weights differ.
    """
    if frozen is None:
        return
    expected = getattr(part.module.config, "hidden_size", frozen.hidden_size)
    if expected != frozen.hidden_size:
        raise CheckpointError(
            f"the {part.role} was trained for {part.model!r} with hidden size {expected}, "
            f"but {frozen.name!r} has {frozen.hidden_size}"
        )
    if part.model_digest and part.model_digest != frozen.weights_digest.hex():
        raise CheckpointError(
            f"the {part.role} was trained for {part.model!r} with weights "
            f"{part.model_digest[:12]}, but {frozen.name!r} has {frozen.weights_digest.hex()[:12]}",
            hint="load the model that it was trained for, or train a part for this one",
        )
