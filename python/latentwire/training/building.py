"""Modules from recipes: the architecture that is named, at the geometry of the models at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from latentwire.errors import RecipeError
from latentwire.models import Adapter, AdapterConfig
from latentwire.models.deep_adapter import DeepAdapter, DeepAdapterConfig
from latentwire.models.registry import ARCHITECTURES, Encoder
from latentwire.training.recipe import Stage
from latentwire.training.recipe_sections import AdapterRecipe, SpaceRecipe


@dataclass(frozen=True)
class Size:
    """What a part must know of a frozen model, loaded or not.

    Attributes:
        hidden_size: Width of its hidden states and input embeddings.
        num_layers: Number of its layers.
        num_heads: Key/value heads of a layer; 0 where it has none.
        head_dim: Width of a head.
        vocabulary: Number of its tokens.
    """

    hidden_size: int
    num_layers: int
    num_heads: int
    head_dim: int
    vocabulary: int

    @classmethod
    def of(cls, config: Any) -> Size:
        """From a model's configuration; of several modalities, that of the text."""
        text = config.get_text_config()
        width, queries = int(text.hidden_size), int(getattr(text, "num_attention_heads", 0) or 0)
        heads = int(getattr(text, "num_key_value_heads", None) or queries)
        head_dim = int(getattr(text, "head_dim", None) or (width // queries if queries else 0))
        layers, vocabulary = int(text.num_hidden_layers), int(text.vocab_size)
        return cls(width, layers, heads, head_dim, vocabulary)


def build_encoder(space: SpaceRecipe, stage: Stage, sender: Size | None) -> Encoder:
    """The encoder of a stage, with fresh weights.

    Args:
        space: The latent space that it is to speak.
        stage: Says which architecture, and how large.
        sender: Geometry of the frozen sender; None for plain bytes.

    Raises:
        RecipeError: If the stage names a layer that the sender does not have, or a geometry that
            its architecture does not take.
    """
    architecture = ARCHITECTURES[stage.architecture]
    options = stage.encoder.options(stage.architecture)
    if sender is None:
        options |= {"width": space.latent_width, "num_latents": space.num_latents}
    else:
        layer = sender.num_layers * 2 // 3 if stage.layer is None else stage.layer
        for number in [layer] if isinstance(layer, int) else layer:
            if not 0 <= number <= sender.num_layers:
                raise RecipeError(
                    f"stage {stage.name!r}: {stage.sender} has layers 0 to {sender.num_layers}, "
                    f"not {number}"
                )
        options |= {
            "hidden_size": sender.hidden_size,
            "layer": layer,
            "num_latents": space.num_latents,
            "latent_width": space.latent_width,
        }
    try:
        config = TypeAdapter(architecture.config).validate_python(options)
        encoder: Encoder = architecture.module(config)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RecipeError(f"stage {stage.name!r}: encoder.{place}: {first['msg']}") from error
    except ValueError as error:
        raise RecipeError(f"stage {stage.name!r}: encoder: {error}") from error
    return encoder


def build_adapter(
    adapter: AdapterRecipe, space: SpaceRecipe, receiver: Size
) -> Adapter | DeepAdapter:
    """The adapter of a receiver, with fresh weights; its colorizer is fitted by the caller."""
    if adapter.mode == "soft_tokens":
        return Adapter(
            AdapterConfig(
                hidden_size=receiver.hidden_size,
                latent_width=space.latent_width,
                inner_width=adapter.inner_width,
                tokens_per_latent=adapter.tokens_per_latent,
                single_latents=adapter.single_latents,
            )
        )
    return DeepAdapter(
        DeepAdapterConfig(
            num_layers=receiver.num_layers,
            num_heads=receiver.num_heads,
            head_dim=receiver.head_dim,
            latent_width=space.latent_width,
            inner_width=adapter.inner_width,
        )
    )
