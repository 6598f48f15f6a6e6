"""Byte encoder: a sender without a frozen model or a tokenizer, UTF-8 bytes to latents.

Bytes are embedded at full resolution together with hashed n-grams of the bytes that end at each
position (as in the Byte Latent Transformer, https://arxiv.org/abs/2412.09871), merged four at a
time, read by pre-norm Transformer layers and pooled by a perceiver resampler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentwire.models.resampler import PerceiverResampler
from latentwire.models.transformer_layer import TransformerLayer
from latentwire.transfer import to_device


@dataclass(frozen=True, kw_only=True)
class ByteEncoderConfig:
    """Geometry of a ``ByteEncoder``."""

    width: int = 256  # d of the layers and of the latents
    num_layers: int = 6
    num_heads: int = 8
    multiple: int = 2  # feed-forward width over d
    num_latents: int = 32  # K
    resampler_depth: int = 1
    stride: int = 4  # bytes merged into one position of the layers
    byte_width: int = 64  # d of byte and n-gram embeddings
    ngrams: tuple[int, ...] = (3, 4, 5, 6)  # lengths of hashed byte n-grams
    buckets: int = 2048  # hash buckets of each n-gram length
    max_bytes: int = 8192  # longer texts are cut


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
        self.merge = nn.Linear(config.stride * config.byte_width, config.width)
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
        for table in (self.bytes, *self.ngrams):
            nn.init.normal_(table.weight, std=0.5)

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

    def forward(self, ids: Tensor, mask: Tensor, k: int | None = None) -> Tensor:
        """Bytes int64 [B, T], mask bool [B, T] -> latents float32 [B, k, d]; padding is inert."""
        config = self.config
        extra = -ids.shape[1] % config.stride
        ids, mask = F.pad(ids, (0, extra)), F.pad(mask, (0, extra))
        x = self.bytes(ids)  # [B, T, byte_width]
        for length, table in zip(config.ngrams, self.ngrams, strict=True):
            x = x + table(self._hash(ids, length))
        x = x * mask[:, :, None]
        batch, total, width = x.shape
        x = self.merge(x.view(batch, total // config.stride, config.stride * width))  # [B, P, d]
        patches = mask.view(batch, -1, config.stride).any(2)  # [B, P]
        x = x * patches[:, :, None]
        x = x + self.local(x.transpose(1, 2)).transpose(1, 2)
        x = x + _sinusoids(x.shape[1], config.width, x.device)
        for layer in self.layers:
            x = layer(x, patches)
        latents: Tensor = self.resampler(self.norm(x), patches, k)
        return latents

    def _hash(self, ids: Tensor, length: int) -> Tensor:
        """Bucket of the n-gram that ends at each byte, int64 [B, T]; starts see zeros."""
        code = torch.zeros_like(ids)
        for offset in range(length):
            shifted = F.pad(ids + 1, (offset, 0))[:, : ids.shape[1]]
            code = (code * 1_000_003 + shifted) % 2_147_483_647
        return (code * 40_503 + (code >> 7)) % self.config.buckets


def _sinusoids(length: int, width: int, device: torch.device) -> Tensor:
    """Absolute position signal [T, d] (https://arxiv.org/abs/1706.03762)."""
    rates = torch.exp(torch.arange(0, width, 2, device=device) * (-9.21 / width))
    angles = torch.arange(length, device=device)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
