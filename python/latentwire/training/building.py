"""Modules from recipes: the architecture that is named, at the geometry of the models at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from latentwire.errors import RecipeError
from latentwire.models import (
    Adapter,
    AdapterConfig,
    ByteEncoder,
    ByteEncoderConfig,
    HiddenStateEncoder,
    HiddenStateEncoderConfig,
)
from latentwire.training.recipe import SpaceRecipe, Stage

Encoder = HiddenStateEncoder | ByteEncoder


class Geometry(Protocol):
    """What is asked of a frozen model before a part can be built for it."""

    @property
    def hidden_size(self) -> int:
        """Width of its hidden states and input embeddings."""
        ...

    @property
    def num_layers(self) -> int:
        """Number of its layers."""
        ...


@dataclass(frozen=True)
class Size:
    """The geometry of a model that is not loaded."""

    hidden_size: int
    num_layers: int


def build_encoder(space: SpaceRecipe, stage: Stage, sender: Geometry | None) -> Encoder:
    """The encoder of a stage, with fresh weights.

    Args:
        space: The latent space that it is to speak.
        stage: Says which architecture, and how large.
        sender: Geometry of the frozen sender; None for plain bytes.

    Raises:
        RecipeError: If the stage names a layer that the sender does not have.
    """
    encoder = stage.encoder
    if sender is None:
        return ByteEncoder(
            ByteEncoderConfig(
                width=space.latent_width,
                num_heads=encoder.num_heads,
                multiple=encoder.multiple,
                num_latents=space.num_latents,
                resampler_depth=encoder.depth,
            )
        )
    layer = sender.num_layers * 2 // 3 if stage.layer is None else stage.layer
    if not 0 <= layer <= sender.num_layers:
        raise RecipeError(
            f"stage {stage.name!r}: {stage.sender} has layers 0 to {sender.num_layers}, not {layer}"
        )
    return HiddenStateEncoder(
        HiddenStateEncoderConfig(
            hidden_size=sender.hidden_size,
            layer=layer,
            num_latents=space.num_latents,
            latent_width=space.latent_width,
            num_heads=encoder.num_heads,
            depth=encoder.depth,
            multiple=encoder.multiple,
        )
    )


def build_adapter(space: SpaceRecipe, receiver: Geometry) -> Adapter:
    """The adapter of a receiver, with fresh weights; its colorizer is fitted by the caller."""
    return Adapter(AdapterConfig(hidden_size=receiver.hidden_size, latent_width=space.latent_width))
