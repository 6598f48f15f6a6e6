"""What is built for a stage: frozen models, the latent space, and the parts that are trained."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from latentwire.catalog import BYTES
from latentwire.checkpoint import Part, space_folder
from latentwire.errors import CheckpointError, RecipeError
from latentwire.frozen import FrozenModel
from latentwire.frozen.adapted import AdaptedModel, LoraWeights
from latentwire.lora import Lora, LoraConfig
from latentwire.models import Adapter, HiddenStateEncoderConfig
from latentwire.models.byte_encoder import ByteEncoderConfig
from latentwire.models.deep_adapter import DeepAdapter
from latentwire.models.growth import take_over
from latentwire.models.registry import Encoder, Role
from latentwire.sender import check_part_fits
from latentwire.space import LatentSpace
from latentwire.training.building import Size, build_adapter, build_encoder
from latentwire.training.compute import load_frozen
from latentwire.training.heads import build_heads
from latentwire.training.joining import (
    adapter_folder,
    check_space,
    encoder_folder,
    find_part,
    load_space,
)
from latentwire.training.recipe import Recipe, Stage
from latentwire.training.validation import Figures, Validation

_TEXTS_MEASURED = 512


@dataclass
class StageParts:
    """Everything with weights that one stage needs.

    Attributes:
        sender: The frozen sender; None for plain bytes.
        receivers: Frozen receivers by name, in the recipe's order.
        space: The latent space, founded by this stage or by an earlier one.
        encoder: The sender's encoder.
        adapters: The receivers' adapters, by name.
        teacher: An encoder to learn from, and its frozen model; None if the stage has none.
        heads: Training-only heads, by the objective that each is for; they are trained with the
            encoder and published with no part.
        trained: Modules whose weights change, by the name that states keep them under.
    """

    sender: FrozenModel | None
    receivers: dict[str, FrozenModel]
    space: LatentSpace
    encoder: Encoder
    adapters: dict[str, Adapter | DeepAdapter]
    teacher: tuple[Encoder, FrozenModel | None] | None
    heads: dict[str, nn.Module]
    trained: dict[str, nn.Module]

    @classmethod
    def build(
        cls,
        recipe: Recipe,
        stage: Stage,
        run_dir: Path,
        device: torch.device,
        texts: Sequence[str],
    ) -> StageParts:
        """Build and check everything; fresh weights depend on the recipe's seed alone.

        Args:
            recipe: The whole recipe.
            stage: The stage that is built.
            run_dir: Where earlier stages left the space and their parts.
            device: Where everything goes.
            texts: Training texts, for statistics of what receivers make of text.

        Raises:
            RecipeError: If the stage does not fit its models.
            ModelNotFoundError: If a model or a part is nowhere to be found.
            CheckpointError: If a part of an earlier stage is missing, damaged or of another space.
        """
        torch.manual_seed(recipe.seed)
        receivers = {
            name: load_frozen(
                name,
                recipe.engine,
                device,
                reads_messages=True,
                lora=_additions(recipe, stage, run_dir, name),
            )
            for name in recipe.receivers_of(stage)
        }
        sender = None
        if stage.sender != BYTES:
            sender = load_frozen(stage.sender, recipe.engine, device)
        size = None if sender is None else Size.of(sender.config)
        space = _space(recipe, stage, run_dir, receivers)
        encoder = _encoder(recipe, stage, run_dir, space, sender).to(device)
        adapters = {
            name: _adapter(recipe, stage, run_dir, space, frozen, texts).to(device)
            for name, frozen in receivers.items()
        }
        _check_segments(stage, encoder, adapters)
        heads = build_heads(stage, recipe.space.latent_width, size)  # last: others stay the same
        heads = {name: head.to(device) for name, head in heads.items()}
        teacher = _teacher(recipe, stage, run_dir, space, device)
        return cls.of(stage, sender, receivers, space, encoder, adapters, teacher, heads)

    @classmethod
    def of(
        cls,
        stage: Stage,
        sender: FrozenModel | None,
        receivers: dict[str, FrozenModel],
        space: LatentSpace,
        encoder: Encoder,
        adapters: dict[str, Adapter | DeepAdapter],
        teacher: tuple[Encoder, FrozenModel | None] | None,
        heads: dict[str, nn.Module],
    ) -> StageParts:
        """These parts; gradients go to what the stage trains, and to nothing else."""
        trained: dict[str, nn.Module] = {}
        if "encoder" in stage.train:
            trained["encoder"] = encoder
        if "adapters" in stage.train:
            trained |= {f"adapter.{name}": part for name, part in adapters.items()}
            trained |= additions_of(receivers)
        trained |= {f"head.{name}": head for name, head in heads.items()}
        for module in (encoder, *adapters.values(), *additions_of(receivers).values()):
            module.requires_grad_(any(module is part for part in trained.values()))
        return cls(sender, receivers, space, encoder, adapters, teacher, heads, trained)

    @property
    def additions(self) -> dict[str, LoraWeights]:
        """LoRA weights of the receivers that have some, as ``additions_of`` names them."""
        return additions_of(self.receivers)

    def release_senders(self) -> None:
        """Move frozen senders off the device, once what they make of the texts is cached."""
        for frozen in (self.sender, self.teacher[1] if self.teacher else None):
            if frozen is not None:
                frozen.model.to("cpu")


def save_parts(parts: StageParts, stage: Stage, run_dir: Path) -> None:
    """Write what a stage trained as loadable parts.

    Raises:
        DiskFullError: If there is no room; the former part stays.
    """
    if "encoder" in parts.trained:
        digest = parts.sender.weights_digest.hex() if parts.sender else ""
        encoder = Part("encoder", parts.encoder, stage.sender, digest, parts.space)
        encoder.save(run_dir / encoder_folder(stage.sender), bits=stage.weight_bits)
    for name, adapter in parts.adapters.items():
        if f"adapter.{name}" in parts.trained:
            digest = parts.receivers[name].weights_digest.hex()
            additions = parts.additions.get(f"lora.{name}")
            lora = None if additions is None else additions.lora
            part = Part("adapter", adapter, name, digest, parts.space, lora=lora)
            part.save(run_dir / adapter_folder(name), bits=stage.adapter_bits)


def measure_saved(
    parts: StageParts, stage: Stage, run_dir: Path, validation: Validation
) -> Figures:
    """Validation figures of the parts in the run folder, as a user would load them."""
    device = next(parts.encoder.parameters()).device
    encoder: nn.Module = parts.encoder
    if "encoder" in parts.trained:
        encoder = Part.load(run_dir / encoder_folder(stage.sender), "encoder").module.to(device)
    adapters: dict[str, nn.Module] = dict(parts.adapters)
    receivers = dict(parts.receivers)
    for name, frozen in parts.receivers.items():
        if f"adapter.{name}" not in parts.trained:
            continue
        part = Part.load(run_dir / adapter_folder(name), "adapter")
        adapters[name] = part.module.to(device)
        if part.lora is not None:
            receivers[name] = AdaptedModel.with_weights(frozen.unadapted, part.lora)
    return validation.measure(encoder, adapters, receivers)


def write_figures(
    parts: StageParts, stage: Stage, run_dir: Path, figures: Figures, trained: dict[str, Any]
) -> None:
    """Put what was measured of a stage's parts beside them, and into their cards.

    Raises:
        DiskFullError: If there is no room; the parts stay without figures.
    """
    shared = {"sender": stage.sender, "rows": stage.validation.rows, "trained": trained}
    if "encoder" in parts.trained:
        folder = run_dir / encoder_folder(stage.sender)
        Part.load(folder, "encoder").with_figures(folder, {**shared, "validation": figures})
    for name in parts.receivers:
        if f"adapter.{name}" in parts.trained:
            folder = run_dir / adapter_folder(name)
            own = {**shared, "validation": {name: figures[name]}}
            Part.load(folder, "adapter").with_figures(folder, own)


def additions_of(receivers: Mapping[str, FrozenModel]) -> dict[str, LoraWeights]:
    """LoRA weights of the receivers that have some, by ``lora.`` and the receiver's name."""
    return {
        f"lora.{name}": frozen.weights
        for name, frozen in receivers.items()
        if isinstance(frozen, AdaptedModel)
    }


def _additions(recipe: Recipe, stage: Stage, run_dir: Path, name: str) -> LoraConfig | Lora | None:
    """What is added to a receiver: afresh with a fresh adapter, or as its adapter was trained."""
    if "adapters" in stage.train:
        return recipe.adapter.lora_config
    return Part.load(find_part("adapter", name, recipe.space, run_dir), "adapter").lora


def _check_segments(
    stage: Stage, encoder: Encoder, adapters: Mapping[str, Adapter | DeepAdapter]
) -> None:
    """Refuse to align what stands for no segment of the text."""
    if "segment_alignment" not in stage.objectives.in_use:
        return
    config = encoder.config
    if (
        not isinstance(config, HiddenStateEncoderConfig | ByteEncoderConfig)
        or not config.segment_latents
    ):
        raise RecipeError(
            f"stage {stage.name!r}: segment_alignment needs latents that each stand for a segment, "
            f"and the encoder of {stage.sender!r} has none",
            hint="train one with encoder.segment_latents above 0",
        )
    for name, adapter in adapters.items():
        single = getattr(adapter.config, "single_latents", 0)
        if single > config.segments_from:
            raise RecipeError(
                f"the adapter of {name!r} makes one soft token each of the first {single} latents, "
                f"but those from {config.segments_from} on stand for segments, which "
                f"segment_alignment compares token by token",
                hint=f"set adapter.single_latents to at most {config.segments_from}",
            )


def _space(
    recipe: Recipe, stage: Stage, run_dir: Path, receivers: dict[str, FrozenModel]
) -> LatentSpace:
    """The founding stage makes the space; others must find it, and fit it."""
    wanted = recipe.space
    if not stage.founds:
        return load_space(wanted, run_dir)
    digests = [f"{name} {m.weights_digest.hex()[:12]}" for name, m in receivers.items()]
    founding = hashlib.blake2b(_founding(recipe, stage).encode(), digest_size=6).hexdigest()
    return LatentSpace(
        name=wanted.name,
        num_latents=wanted.num_latents,
        latent_width=wanted.latent_width,
        encoding=wanted.encoding,
        lineage=f"{stage.sender}, seed {recipe.seed}, recipe {founding}, "
        f"receivers {', '.join(digests)}",
    )


def _founding(recipe: Recipe, stage: Stage) -> str:
    """What makes a founding run another one.

    Stages that join later do not, nor does how the work was done. Defaults are left out, so that a
    new field of recipes renames no space.
    """
    alone = recipe.model_copy(update={"stages": [stage]})
    return alone.model_dump_json(exclude={"engine"}, exclude_defaults=True)


def _encoder(
    recipe: Recipe, stage: Stage, run_dir: Path, space: LatentSpace, sender: FrozenModel | None
) -> Encoder:
    if "encoder" in stage.train:
        size = None if sender is None else Size.of(sender.config)
        encoder = build_encoder(recipe.space, stage, size)
        if stage.start is not None:
            start_from("encoder", encoder, _start(stage, encoder_folder(stage.sender)))
        return encoder
    return _joined_encoder(recipe, stage.sender, run_dir, space, sender)


def _start(stage: Stage, part: Path) -> Path:
    """Where the part lies that a trained one begins with: below a run's folder or a space's."""
    assert stage.start is not None
    return space_folder(stage.start) / part


def start_from(role: Role, module: nn.Module, folder: Path) -> None:
    """Give a fresh encoder or adapter the weights of a part; an encoder may have grown since.

    Raises:
        CheckpointError: If there is no part, or it is of another kind or size.
    """
    try:
        take_over(module, Part.load(folder, role).module)
    except ValueError as error:
        raise CheckpointError(
            f"start: the {role} in {folder} is not what the stage trains: {error}",
            hint="name a run whose part has the same architecture and sizes, or leave start out",
        ) from error


def keeps_normalizer(stage: Stage, sender: FrozenModel | None) -> bool:
    """Whether an encoder begins with one of this very sender, whose normalizer it keeps.

    Measured anew, on other texts, its inputs would shift by a little under what it has learned.
    """
    if stage.start is None or sender is None or "encoder" not in stage.train:
        return False
    former = Part.load(_start(stage, encoder_folder(stage.sender)), "encoder")
    return former.model_digest == sender.weights_digest.hex()


def _joined_encoder(
    recipe: Recipe, name: str, run_dir: Path, space: LatentSpace, frozen: FrozenModel | None
) -> Encoder:
    part = Part.load(find_part("encoder", name, recipe.space, run_dir), "encoder")
    check_space(part, space, f"the encoder of {name!r}")
    check_part_fits(part, frozen)
    assert isinstance(part.module, Encoder)
    return part.module


def _adapter(
    recipe: Recipe,
    stage: Stage,
    run_dir: Path,
    space: LatentSpace,
    frozen: FrozenModel,
    texts: Sequence[str],
) -> Adapter | DeepAdapter:
    if "adapters" not in stage.train:
        part = Part.load(find_part("adapter", frozen.name, recipe.space, run_dir), "adapter")
        check_space(part, space, f"the adapter of {frozen.name!r}")
        check_part_fits(part, frozen)
        assert isinstance(part.module, Adapter | DeepAdapter)
        return part.module
    adapter = build_adapter(recipe.adapter, recipe.space, Size.of(frozen.config))
    if stage.start is not None:
        start_from("adapter", adapter, _start(stage, adapter_folder(frozen.name)))
    fit_colorizer(adapter, frozen, texts)
    return adapter


def fit_colorizer(
    adapter: Adapter | DeepAdapter, frozen: FrozenModel, texts: Sequence[str]
) -> None:
    """Measure what the receiver is used to read, in the adapter's own kind of prefix."""
    if isinstance(adapter, Adapter):
        statistics = frozen.embedding_statistics()
    else:
        every = max(1, len(texts) // _TEXTS_MEASURED)
        statistics = frozen.key_values.statistics(texts[::every][:_TEXTS_MEASURED])
    adapter.colorizer.fit(*(value.cpu() for value in statistics))


def _teacher(
    recipe: Recipe, stage: Stage, run_dir: Path, space: LatentSpace, device: torch.device
) -> tuple[Encoder, FrozenModel | None] | None:
    name = stage.teacher
    if name is None or not stage.needs_teacher:
        return None
    frozen = None if name == BYTES else load_frozen(name, recipe.engine, device)
    return _joined_encoder(recipe, name, run_dir, space, frozen).to(device), frozen
