"""Where the last latents begin: each with its own stretch of what is read, in reading order."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from latentwire.models.stretches import piece_of, pieces_filled


class SegmentBeginning(nn.Module):
    """One linear map of the means over the pieces of each latent's stretch of positions.

    Queries that are all learned have to find out, from examples, which latent keeps which position
    before a word or a number can be asked for. Here latent i begins with the i-th stretch, and the
    resampler refines it. The map is shared by all stretches; a short text leaves the last ones
    empty, which are zero.

    Args:
        width: Of what is read.
        num_latents: How many latents begin with a stretch.
        parts: Pieces of a stretch, each with a mean of its own, so that order is not lost.
        latent_width: d_z.
        positions: Of what is read, in a piece of a short text.
    """

    def __init__(
        self, width: int, num_latents: int, parts: int, latent_width: int, positions: float = 1.0
    ) -> None:
        super().__init__()
        self.num_latents, self.parts, self.positions = num_latents, parts, positions
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(parts * width, latent_width, bias=False)

    def forward(self, x: Tensor, mask: Tensor, k: int) -> Tensor:
        """[B, T, width] and bool [B, T], padding anywhere -> the first k of them, [B, k, d_z]."""
        pieces = self.num_latents * self.parts
        member = F.one_hot(piece_of(mask, pieces, self.positions), pieces) * mask[:, :, None]
        member = member[:, :, : k * self.parts].to(x.dtype)  # [B, T, k * parts]
        sizes = member.sum(1)[:, :, None]  # [B, k * parts, 1]
        means = self.norm(member.transpose(1, 2) @ x / sizes.clamp_min(1)) * (sizes > 0)
        begun: Tensor = self.expand(means.reshape(len(x), k, -1))
        return begun

    def filled(self, mask: Tensor) -> Tensor:
        """How many latents have anything to begin with, int64 [B], of a mask bool [B, T]."""
        filled = pieces_filled(mask, self.num_latents * self.parts, self.positions)
        return (filled + self.parts - 1) // self.parts

    def say_nothing(self) -> None:
        """Begin with zeros, until it learns."""
        nn.init.zeros_(self.expand.weight)
