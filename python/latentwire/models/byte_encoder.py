"""Byte encoder: a sender without a frozen model or a tokenizer, UTF-8 bytes to latents.

Bytes are embedded at full resolution together with hashed n-grams of the bytes that end at each
position (as in the Byte Latent Transformer, https://arxiv.org/abs/2412.09871) and with the word
that does. They go two ways. Their mean over the text, a bag of n-grams and words (as in fastText,
https://arxiv.org/abs/1607.01759), is where the latents begin. Merged four at a time, they are read
by pre-norm Transformer layers, from which a perceiver resampler refines the latents. The bag learns
from few texts what a word says of a text; the layers know where it stands. The last latents may
begin each with its own segment of the positions instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentwire.models.hashing import NUM_HASHES, bucket, find_words, ngram_hashes
from latentwire.models.pooled_beginning import PooledBeginning
from latentwire.models.resampler import PerceiverResampler
from latentwire.models.segment_beginning import SegmentBeginning
from latentwire.models.transformer_layer import TransformerLayer
from latentwire.transfer import to_device


@dataclass(frozen=True, kw_only=True)
class ByteEncoderConfig:
    """Geometry of a ``ByteEncoder``."""

    width: int = 256  # d of the layers and of the latents
    num_layers: int = 6
    num_heads: int = 8
    multiple: int = 1  # feed-forward width over d
    num_latents: int = 32  # K
    pooled_latents: int = 8  # first latents that begin with the bag
    segment_latents: int = 0  # last latents that begin each with its segment of the positions
    segment_parts: int = 2  # pieces that a segment is divided into, each a mean
    resampler_depth: int = 1
    stride: int = 4  # bytes merged into one position of the layers
    byte_width: int = 64  # d of byte and n-gram embeddings
    ngrams: tuple[int, ...] = (3, 4, 5)  # lengths of hashed byte n-grams
    buckets: int = 2048  # hash buckets of each n-gram length
    word_buckets: int = 8192  # hash buckets of words, each of which has two
    max_bytes: int = 8192  # longer texts are cut

    @property
    def segments_from(self) -> int:
        """The first latent that begins with a segment, if any does."""
        return max(0, self.num_latents - self.segment_latents)


class ByteEncoder(nn.Module):
    """UTF-8 bytes to latents [B, k, d]."""

    kind = "byte"

    def __init__(self, config: ByteEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.bytes = nn.Embedding(256, config.byte_width)
        self.ngrams = nn.ModuleList(
            nn.Embedding(config.buckets, config.byte_width) for _ in config.ngrams
        )
        self.words = nn.Embedding(config.word_buckets, config.byte_width)
        self.beginning = PooledBeginning(
            config.byte_width, min(config.pooled_latents, config.num_latents), config.width
        )
        self.merge = nn.Linear(config.stride * config.byte_width, config.width)
        self.norm_merged = nn.LayerNorm(config.width)
        self.local = nn.Conv1d(config.width, config.width, 3, padding=1, groups=config.width)
        self.layers = nn.ModuleList(
            TransformerLayer(config.width, config.num_heads, config.multiple)
            for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.resampler = PerceiverResampler(
            config.num_latents,
            config.width,
            config.num_heads,
            config.resampler_depth,
            config.multiple,
        )
        if config.segment_latents:
            # Side by side: which letters a position has is not mixed with what they mean.
            self.segments = SegmentBeginning(
                2 * config.width,
                config.segments_from,
                min(config.segment_latents, config.num_latents),
                config.segment_parts,
                config.width,
            )
        for table in (self.bytes, *self.ngrams, self.words):
            # Small beside a step: what a rare word says is learned in the few steps that show it.
            # Both ways on from here are normalized.
            nn.init.normal_(table.weight, std=0.03)

    def grow_from(self, former: ByteEncoder) -> None:
        """Take the weights of an encoder with fewer layers, or without segments.

        What is new does nothing yet.

        Raises:
            ValueError: If the encoders differ in anything else, or the other has more layers.
        """
        own, other = self.config, former.config
        before: dict[str, Any] = {"num_layers": other.num_layers}
        if not other.segment_latents:
            fields = ("segment_latents", "segment_parts")
            before |= {field: getattr(other, field) for field in fields}
        if replace(own, **before) != other or other.num_layers > own.num_layers:
            raise ValueError(f"{own} cannot grow from {other}")
        self.load_state_dict(former.state_dict(), strict=False)
        for layer in list(self.layers)[other.num_layers :]:
            assert isinstance(layer, TransformerLayer)
            closing = layer.feed_forward[-1]
            assert isinstance(closing, nn.Linear)
            for parameter in (layer.attention.output.weight, closing.weight, closing.bias):
                nn.init.zeros_(parameter)
        if own.segment_latents and not other.segment_latents:
            self.segments.say_nothing()

    def batch(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Texts as bytes int64 [B, T] and mask bool [B, T], right-padded."""
        rows = [text.encode()[: self.config.max_bytes] for text in texts]
        width = max(1, *(len(row) for row in rows))
        filled = bytearray(b"".join(row.ljust(width, b"\0") for row in rows))
        ids = torch.frombuffer(filled, dtype=torch.uint8).view(len(rows), width)
        lengths = torch.tensor([len(row) for row in rows])
        mask = torch.arange(width)[None] < lengths[:, None]
        device = self.bytes.weight.device
        return to_device(ids, device).long(), to_device(mask, device)

    def spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Which characters end in each position of the layers, from one to before the other."""
        stride, found = self.config.stride, []
        for text in texts:
            ends = np.cumsum([len(character.encode()) for character in text])  # in bytes
            total = min(ends[-1] if len(ends) else 0, self.config.max_bytes)
            bounds = [*range(0, total, stride), total]
            places = np.searchsorted(ends, bounds, side="right").tolist()
            found.append(list(pairwise(places)))
        return found

    def patches(self, mask: Tensor) -> Tensor:
        """Which positions of the layers have a byte, bool [B, P], of bytes bool [B, T]."""
        padded = F.pad(mask, (0, -mask.shape[1] % self.config.stride))
        return padded.view(len(mask), -1, self.config.stride).any(2)

    def lengths(self, mask: Tensor) -> Tensor | None:
        """How many latents say what each text says, int64 [B], of a mask of bytes bool [B, T].

        None where every message has all K; see ``HiddenStateEncoder.lengths``.
        """
        if not self.config.segment_latents:
            return None
        return self.segments.lengths(self.patches(mask))

    def forward(self, ids: Tensor, mask: Tensor, k: int | None = None) -> Tensor:
        """Bytes int64 [B, T], mask bool [B, T] -> latents float32 [B, k, d]; padding is inert."""
        config = self.config
        k = config.num_latents if k is None else k
        patches = self.patches(mask)  # [B, P]
        extra = -ids.shape[1] % config.stride
        ids, mask = F.pad(ids, (0, extra)), F.pad(mask, (0, extra))
        x = self.bytes(ids)  # [B, T, byte_width]
        for length, table in zip(config.ngrams, self.ngrams, strict=True):
            x = x + table(bucket(ngram_hashes(ids, length), config.buckets))
        ends, words = find_words(ids, mask)
        for number in range(NUM_HASHES):
            found = self.words(bucket(words, config.word_buckets, number))
            x = x + found * ends[:, :, None]
        x = x * mask[:, :, None]
        beginning = self.beginning(x, mask, k)
        x = self.norm_merged(self.merge(x.view(*patches.shape, -1)))  # [B, P, d]
        merged = x = x * patches[:, :, None]
        x = x + self.local(x.transpose(1, 2)).transpose(1, 2)
        x = x + _sinusoids(x.shape[1], config.width, x.device)
        for layer in self.layers:
            x = layer(x, patches)
        x = self.norm(x)
        if config.segment_latents:
            beginning = beginning + self.segments(torch.cat([merged, x], dim=2), patches, k)
        latents: Tensor = self.resampler(x, patches, k, beginning)
        return latents


def _sinusoids(length: int, width: int, device: torch.device) -> Tensor:
    """Absolute position signal [T, d] (https://arxiv.org/abs/1706.03762)."""
    rates = torch.exp(torch.arange(0, width, 2, device=device) * (-9.21 / width))
    angles = torch.arange(length, device=device)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
