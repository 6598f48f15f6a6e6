"""The heads that a stage's objectives need, at the geometry of its sender."""

from __future__ import annotations

import math

from torch import nn

from latentwire.training.building import Size
from latentwire.training.heads.state_decoder import StateDecoder
from latentwire.training.heads.word_head import WordHead
from latentwire.training.recipe import Stage

_BYTE_VALUES = 256
_MOST_ATTENTION_HEADS = 8


def build_heads(stage: Stage, latent_width: int, sender: Size | None) -> dict[str, nn.Module]:
    """Heads with fresh weights, by the objective that each is for.

    Args:
        stage: Whose objectives count.
        latent_width: d_z.
        sender: Geometry of the frozen sender; None for plain bytes, whose words are bytes.
    """
    heads: dict[str, nn.Module] = {}
    if stage.objectives.bag_of_words.weight:
        heads["bag_of_words"] = WordHead(
            latent_width, _BYTE_VALUES if sender is None else sender.vocabulary
        )
    if stage.objectives.reconstruction.weight:
        assert sender is not None  # recipes refuse it for bytes
        num_heads = math.gcd(latent_width, _MOST_ATTENTION_HEADS)
        heads["reconstruction"] = StateDecoder(latent_width, sender.hidden_size, num_heads)
    return heads
