"""Where the last latents begin: each with its own segment of what is read, in reading order."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from latentwire.models.segments import piece_of, pieces_filled


class SegmentBeginning(nn.Module):
    """One linear map of the means over the pieces of each latent's segment of positions.

    Queries that are all learned have to find out, from examples, which latent keeps which position
    before a word or a number can be asked for. Here latent i begins with the i-th segment, and the
    resampler refines it. The map is shared by all segments; a short text leaves the last ones
    empty, which are zero.

    Args:
        width: Of what is read.
        first: How many latents come before those that begin with a segment.
        num_latents: How many latents begin with a segment.
        parts: Pieces of a segment, each with a mean of its own, so that order is not lost.
        latent_width: d_z.
    """

    def __init__(
        self, width: int, first: int, num_latents: int, parts: int, latent_width: int
    ) -> None:
        super().__init__()
        self.first, self.num_latents, self.parts = first, num_latents, parts
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(parts * width, latent_width, bias=False)

    def forward(self, x: Tensor, mask: Tensor, k: int) -> Tensor:
        """[B, T, width] and bool [B, T] -> [B, k, d_z], zeros where latents begin without it."""
        ahead = min(k, self.first)
        if ahead == k:
            return x.new_zeros(len(x), k, self.expand.out_features)
        pieces = self.num_latents * self.parts
        member = F.one_hot(self.piece_of(mask), pieces) * mask[:, :, None]
        member = member[:, :, : (k - ahead) * self.parts].to(x.dtype)
        sizes = member.sum(1)[:, :, None]  # [B, pieces, 1]
        means = self.norm(member.transpose(1, 2) @ x / sizes.clamp_min(1)) * (sizes > 0)
        return F.pad(self.expand(means.reshape(len(x), k - ahead, -1)), (0, 0, ahead, 0))

    def piece_of(self, mask: Tensor) -> Tensor:
        """Which piece each position belongs to, int64 [B, T], of a mask bool [B, T]."""
        return piece_of(mask, self.num_latents * self.parts)

    def lengths(self, mask: Tensor) -> Tensor:
        """How many latents there are up to the last segment, int64 [B], of a mask bool [B, T]."""
        filled = pieces_filled(mask, self.num_latents * self.parts)
        return self.first + (filled + self.parts - 1) // self.parts

    def say_nothing(self) -> None:
        """Begin with zeros, until it learns."""
        nn.init.zeros_(self.expand.weight)
