"""Bridge encoder: hidden states of a frozen model to latents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from latentwire.models.pooled_beginning import PooledBeginning
from latentwire.models.resampler import PerceiverResampler
from latentwire.models.segment_beginning import SegmentBeginning
from latentwire.models.state_reader import Normalization, StateReader


@dataclass(frozen=True, kw_only=True)
class HiddenStateEncoderConfig:
    """Geometry of a ``HiddenStateEncoder``."""

    hidden_size: int  # width of the sender's hidden states
    layer: int | tuple[int, ...]  # which hidden state is read, or which are mixed; 0: the embedding
    num_latents: int = 32  # K
    latent_width: int = 256  # d_z
    num_heads: int = 8
    depth: int = 2  # resampler blocks
    multiple: int = 2  # feed-forward width over d_z
    normalization: Normalization = "standardize"
    query_deviation: float = 1.0  # of the learned queries at first
    pooled_latents: int = 0  # first latents that begin with the mean of the states
    segment_latents: int = 0  # last latents that begin each with its segment of the states
    segment_parts: int = 2  # pieces that a segment is divided into, each a mean

    @property
    def segments_from(self) -> int:
        """The first latent that begins with a segment, if any does."""
        return max(0, self.num_latents - self.segment_latents)


# What an encoder may grow later: the module, how many latents it is for, and what else it is told.
_BEGINNINGS = {
    "beginning": ("pooled_latents",),
    "segments": ("segment_latents", "segment_parts"),
}


class HiddenStateEncoder(StateReader):
    """Normalizer, projection to d_z, perceiver resampler, whose latents may begin with means."""

    kind = "hidden-state"

    def __init__(self, config: HiddenStateEncoderConfig) -> None:
        super().__init__(config.hidden_size, config.layer, config.normalization)
        self.config = config
        self.project = nn.Linear(config.hidden_size, config.latent_width)
        self.norm = nn.LayerNorm(config.latent_width)
        self.resampler = PerceiverResampler(
            config.num_latents,
            config.latent_width,
            config.num_heads,
            config.depth,
            config.multiple,
            query_deviation=config.query_deviation,
        )
        if config.pooled_latents:
            self.beginning = PooledBeginning(
                config.hidden_size,
                min(config.pooled_latents, config.num_latents),
                config.latent_width,
            )
        if config.segment_latents:
            # Side by side: which word it was is not mixed with what it meant.
            num_layers = 1 if isinstance(config.layer, int) else len(config.layer)
            self.segments = SegmentBeginning(
                num_layers * config.hidden_size,
                config.segments_from,
                min(config.segment_latents, config.num_latents),
                config.segment_parts,
                config.latent_width,
            )

    def grow_from(self, former: HiddenStateEncoder) -> None:
        """Take the weights of an encoder that lacks beginnings; those say nothing yet.

        Raises:
            ValueError: If the encoders differ in anything else.
        """
        own, other = self.config, former.config
        unborn = [
            module for module, (count, *_) in _BEGINNINGS.items() if not getattr(other, count)
        ]
        lacking = [field for module in unborn for field in _BEGINNINGS[module]]
        before: dict[str, Any] = {field: getattr(other, field) for field in lacking}
        if replace(own, **before) != other:
            raise ValueError(f"{own} cannot grow from {other}")
        self.load_state_dict(former.state_dict(), strict=other == own)
        for module in unborn:
            if hasattr(self, module):
                getattr(self, module).say_nothing()

    def lengths(self, mask: Tensor) -> Tensor | None:
        """How many latents say what each text says, int64 [B], of a mask bool [B, T].

        None where every message has all K. Where latents stand for segments, a short text leaves
        the last ones empty, and a message ends before them.
        """
        if not self.config.segment_latents:
            return None
        return self.segments.lengths(mask)

    def forward(self, states: Tensor, mask: Tensor, k: int | None = None) -> Tensor:
        """States to latents.

        Args:
            states: [B, T, hidden_size], or [B, T, n, hidden_size] of n layers.
            mask: bool [B, T], False on padding, which may be anywhere.
            k: How many latents; default: all.

        Returns:
            float32 [B, k, d_z].
        """
        config, read = self.config, self.read(states)  # [B, T, d]
        k = config.num_latents if k is None else k
        beginning = None
        if config.pooled_latents:
            beginning = self.beginning(read, mask, k)
        if config.segment_latents:
            segments = self.segments(self.read_side_by_side(states), mask, k)
            beginning = segments if beginning is None else beginning + segments
        projected = self.norm(self.project(read))  # [B, T, d_z]
        latents: Tensor = self.resampler(projected, mask, k, beginning)
        return latents
