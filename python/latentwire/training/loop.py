"""The training loop: one stage of a recipe, from frozen models to saved parts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor, nn

from latentwire.catalog import BYTES
from latentwire.checkpoint import Part, locate_part
from latentwire.errors import CheckpointError, RecipeError
from latentwire.frozen import ChoiceTree, FrozenModel, score_choices
from latentwire.frozen.precision import fast_autocast
from latentwire.models import (
    Adapter,
    AdapterConfig,
    ByteEncoder,
    ByteEncoderConfig,
    HiddenStateEncoder,
    HiddenStateEncoderConfig,
)
from latentwire.models.quantizer import through_the_wire
from latentwire.space import LatentSpace
from latentwire.tasks import TASKS
from latentwire.training.data import Dialogue, Rows
from latentwire.training.features import (
    ByteInputs,
    EncoderInputs,
    FeatureCache,
    JoinedCaches,
)
from latentwire.training.objectives import (
    label_likelihood,
    latent_distillation,
    message_distillation,
)
from latentwire.training.optimizers import build_optimizers, cosine_rate, set_learning_rate
from latentwire.training.passages import load_passages
from latentwire.training.recipe import Recipe, Stage
from latentwire.training.state import load_state, save_state
from latentwire.training.weight_rounding import WeightRounding

logger = logging.getLogger(__name__)

ROUNDING_STARTS = 0.6  # share of the steps after which weights are trained in their stored bits
SAVE_SECONDS = 120.0
VALIDATION_ROWS = 200  # per task, for the log
_PREFIXES = (1, 2, 3, 4, 6, 8, 12, 16, 24)


@dataclass
class Trainer:
    """Everything that one stage needs, built and checked before the first step."""

    recipe: Recipe
    stage: Stage
    run_dir: Path
    data_dir: Path
    device: torch.device
    receivers: dict[str, FrozenModel] = field(init=False)
    adapters: dict[str, Adapter] = field(init=False)
    encoder: HiddenStateEncoder | ByteEncoder = field(init=False)
    sender: FrozenModel | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        torch.manual_seed(self.recipe.seed)
        self.folder = self.run_dir / "stages" / self.stage.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.receivers = {
            name: FrozenModel.load(name, device=self.device) for name in self.recipe.receivers
        }
        if self.stage.sender != BYTES:
            self.sender = FrozenModel.load(self.stage.sender, device=self.device)
        self.encoder = self._build_encoder().to(self.device)
        self.space = self._space()
        self.adapters = {name: self._adapter(name).to(self.device) for name in self.receivers}
        self.rows = self._rows()
        self.dialogues = {
            name: Dialogue(frozen, list(self.recipe.tasks))
            for name, frozen in self.receivers.items()
        }
        self.inputs = self._inputs(self.encoder, self.sender)
        if isinstance(self.inputs, JoinedCaches) and isinstance(self.encoder, HiddenStateEncoder):
            self.encoder.normalizer.fit(
                self.inputs.sample(50_000, self.recipe.seed).to(self.device)
            )
        self.teacher, self.teacher_inputs = self._teacher()
        self.trained: dict[str, nn.Module] = {}
        if "encoder" in self.stage.train:
            self.trained["encoder"] = self.encoder
        if "adapters" in self.stage.train:
            self.trained |= {f"adapter.{name}": part for name, part in self.adapters.items()}
        for module in (self.encoder, *self.adapters.values()):
            module.requires_grad_(any(module is part for part in self.trained.values()))
        self.optimizers = build_optimizers(self.trained.values())

    # -- construction ------------------------------------------------------------------------

    def _build_encoder(self) -> HiddenStateEncoder | ByteEncoder:
        space, geometry = self.recipe.space, self.stage.encoder
        if self.sender is None:
            return ByteEncoder(
                ByteEncoderConfig(
                    width=space.latent_width,
                    num_heads=geometry.num_heads,
                    multiple=geometry.multiple,
                    num_latents=space.num_latents,
                    resampler_depth=geometry.depth,
                )
            )
        layer = self.stage.layer
        if layer is None:
            layer = self.sender.num_layers * 2 // 3
        if not 0 <= layer <= self.sender.num_layers:
            raise RecipeError(
                f"stage {self.stage.name!r}: {self.sender.name} has layers 0 to "
                f"{self.sender.num_layers}, not {layer}"
            )
        return HiddenStateEncoder(
            HiddenStateEncoderConfig(
                hidden_size=self.sender.hidden_size,
                layer=layer,
                num_latents=space.num_latents,
                latent_width=space.latent_width,
                num_heads=geometry.num_heads,
                depth=geometry.depth,
                multiple=geometry.multiple,
            )
        )

    def _rows(self) -> Rows:
        rows = Rows.load(list(self.recipe.tasks), "train", self.data_dir)
        for corpus in self.stage.unlabeled:
            count, seed = self.stage.unlabeled_passages, self.recipe.seed
            rows = rows.with_passages(corpus, load_passages(corpus, self.data_dir, count, seed))
        return rows

    def _space(self) -> LatentSpace:
        """The founding stage makes the space; later stages must find it."""
        space = self.recipe.space
        if "adapters" not in self.stage.train:
            return LatentSpace.load(self.run_dir)
        digests = [f"{n} {m.weights_digest.hex()[:12]}" for n, m in self.receivers.items()]
        recipe = hashlib.blake2b(self._founding().encode(), digest_size=6).hexdigest()
        manifest = LatentSpace(
            name=space.name,
            num_latents=space.num_latents,
            latent_width=space.latent_width,
            encoding=space.encoding,
            lineage=f"{self.stage.sender}, seed {self.recipe.seed}, recipe {recipe}, "
            f"receivers {', '.join(digests)}",
        )
        manifest.save(self.run_dir)
        return manifest

    def _founding(self) -> str:
        """What makes a founding run another one: the recipe without the stages that join later."""
        return self.recipe.model_copy(update={"stages": [self.stage]}).model_dump_json()

    def _adapter(self, name: str) -> Adapter:
        frozen = self.receivers[name]
        if "adapters" not in self.stage.train:
            part = Part.load(self.run_dir / "adapters" / Path(name).name, "adapter")
            if part.space.fingerprint != self.space.fingerprint:
                raise CheckpointError(f"the adapter of {name!r} is of another latent space")
            assert isinstance(part.module, Adapter)
            return part.module
        adapter = Adapter(
            AdapterConfig(
                hidden_size=frozen.hidden_size, latent_width=self.recipe.space.latent_width
            )
        )
        adapter.colorizer.fit(*(value.cpu() for value in frozen.embedding_statistics()))
        return adapter

    def _inputs(
        self,
        encoder: HiddenStateEncoder | ByteEncoder,
        frozen: FrozenModel | None,
    ) -> EncoderInputs:
        if isinstance(encoder, ByteEncoder):
            return ByteInputs(encoder, self.rows.texts)
        assert frozen is not None
        # One cache for the tasks and one for each corpus: they are used again one by one.
        caches = []
        for span in self.rows.blocks():
            texts = self.rows.texts[span.start : span.stop]
            with Progress(console=Console(stderr=True), transient=True) as progress:
                bar = progress.add_task(f"caching states of {frozen.name}", total=len(texts))
                cache = FeatureCache.open(
                    self.run_dir.parent / "features",
                    frozen,
                    encoder.config.layer,
                    texts,
                    lambda done, _, progress=progress, bar=bar: progress.update(  # type: ignore[misc]
                        bar, completed=done
                    ),
                )
            caches.append(cache)
        return JoinedCaches(caches)

    def _teacher(self) -> tuple[nn.Module | None, EncoderInputs | None]:
        name = self.stage.teacher
        if name is None or not self.stage.objectives.need_teacher:
            return None, None
        own = self.run_dir / "encoders" / Path(name).name
        part = Part.load(own if own.is_dir() else locate_part("encoder", name), "encoder")
        if part.space.fingerprint != self.space.fingerprint:
            raise CheckpointError(f"the teacher {name!r} is of another latent space")
        frozen = None if name == BYTES else FrozenModel.load(name, device=self.device)
        module = part.module.to(self.device)
        assert isinstance(module, HiddenStateEncoder | ByteEncoder)
        return module, self._inputs(module, frozen)

    # -- one step ----------------------------------------------------------------------------

    def loss(self, step: int) -> Tensor:
        """The loss of a step; its rows, prefix and receiver depend on seed and step alone."""
        recipe, objectives = self.recipe, self.stage.objectives
        progress = step / self.stage.steps
        rng = random.Random(f"{recipe.seed}-{self.stage.name}-{step}")  # noqa: S311
        drawn = self._draw(rng)
        rows = [row for _, row in drawn]
        total = recipe.space.num_latents
        k = total
        if rng.random() >= recipe.full_length_share:
            k = rng.choice([length for length in _PREFIXES if length < total] or [total])
        name = rng.choice(list(self.receivers))
        states, mask = self.inputs.batch(rows)
        if self.stage.token_dropout:
            mask = self._drop_tokens(mask, rng.randrange(2**31))
        latents: Tensor = self.encoder(states, mask, k)  # [B, k, d_z]
        loss: Tensor = latents.new_zeros(())
        wanted = self._teacher_latents(rows, k)
        if weight := objectives.latent_distillation.at(progress):
            assert wanted is not None
            loss = loss + weight * latent_distillation(latents, wanted)
        likelihood = objectives.label_likelihood.at(progress)
        divergence = objectives.message_distillation.at(progress)
        if not (likelihood or divergence):
            return loss
        frozen, dialogue = self.receivers[name], self.dialogues[name]
        asked = [
            dialogue.asked(source, self.rows.labels[row], recipe.generic_question_share, rng)
            for source, row in drawn
        ]
        questions, answers = [question for question, _ in asked], [answer for _, answer in asked]
        soft = self._soft_tokens(name, latents)
        if likelihood:
            loss = loss + likelihood * label_likelihood(frozen, soft, questions, answers)
        if divergence:
            assert wanted is not None
            with torch.no_grad():
                taught = self._soft_tokens(name, wanted)
            loss = loss + divergence * message_distillation(
                frozen, soft, taught, questions, answers
            )
        return loss

    def _soft_tokens(self, receiver: str, latents: Tensor) -> Tensor:
        """What a receiver reads of latents [B, k, d_z] that crossed the wire, [B, k, d]."""
        soft: Tensor = self.adapters[receiver](
            through_the_wire(latents, self.recipe.space.encoding)
        )
        return soft

    @torch.no_grad()
    def _teacher_latents(self, rows: list[int], k: int) -> Tensor | None:
        """The first k latents [B, k, d_z] of the teacher, if there is one."""
        if self.teacher is None or self.teacher_inputs is None:
            return None
        latents: Tensor = self.teacher(*self.teacher_inputs.batch(rows), k)
        return latents

    def _draw(self, rng: random.Random) -> list[tuple[str, int]]:
        """(task or corpus, row) pairs of a batch, of like length where the stage asks for it."""
        groups, size = self.stage.length_groups, self.stage.batch_size
        shares = self.recipe.tasks | self.stage.unlabeled
        drawn = self.rows.draw(shares, groups * size, rng)
        if groups == 1:
            return drawn
        drawn.sort(key=lambda pair: len(self.rows.texts[pair[1]]))
        first = rng.randrange(groups) * size
        return drawn[first : first + size]

    def _drop_tokens(self, mask: Tensor, seed: int) -> Tensor:
        """Hide a share of the real positions [B, T]; the first of a row always stays."""
        generator = torch.Generator().manual_seed(seed)
        kept = torch.rand(mask.shape, generator=generator) >= self.stage.token_dropout
        kept[:, 0] = True
        return mask & kept.to(mask.device)

    def step(self, number: int) -> float:
        """One update; returns the loss."""
        stage = self.stage
        set_learning_rate(
            self.optimizers,
            cosine_rate(number, stage.steps, stage.warmup_steps, stage.learning_rate),
        )
        with self._rounding(number):
            with fast_autocast(self.device):
                loss = self.loss(number)
            loss.backward()  # type: ignore[no-untyped-call]
        parameters = [p for module in self.trained.values() for p in module.parameters()]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    def _rounding(self, number: int) -> contextlib.AbstractContextManager[None]:
        bits = self.stage.weight_bits
        if bits == 4 and number >= ROUNDING_STARTS * self.stage.steps and "encoder" in self.trained:
            return WeightRounding([self.encoder], 4)
        return contextlib.nullcontext()

    # -- the run -----------------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        """Train to the last step, resuming where a former run stopped; save the parts."""
        for module in self.trained.values():
            module.train()
        progress = load_state(self.folder, self.trained, self.optimizers) or {
            "step": 0,
            "seconds": 0.0,
        }
        before, started = float(progress["seconds"]), time.monotonic()
        saved = started
        mean_loss: float | None = None
        with (
            (self.folder / "metrics.jsonl").open("a") as metrics,
            Progress(console=Console(stderr=True)) as bars,
        ):
            bar = bars.add_task(self.stage.name, total=self.stage.steps, completed=progress["step"])
            while progress["step"] < self.stage.steps:
                loss = self.step(progress["step"])
                mean_loss = loss if mean_loss is None else 0.98 * mean_loss + 0.02 * loss
                progress["step"] += 1
                progress["seconds"] = before + time.monotonic() - started
                bars.update(
                    bar,
                    completed=progress["step"],
                    description=f"{self.stage.name}, loss {mean_loss:.3f}",
                )
                if progress["step"] % 100 == 0:
                    print(json.dumps({**progress, "loss": mean_loss}), file=metrics, flush=True)
                if time.monotonic() - saved > SAVE_SECONDS:
                    save_state(self.folder, self.trained, self.optimizers, progress)
                    saved = time.monotonic()
            save_state(self.folder, self.trained, self.optimizers, progress)
            self.save_parts()
            result = {**progress, "loss": mean_loss, "validation": self.validate()}
            print(json.dumps(result), file=metrics, flush=True)
        return result

    def save_parts(self) -> None:
        """Write what this stage trained as loadable parts."""
        if "encoder" in self.trained:
            digest = self.sender.weights_digest.hex() if self.sender else ""
            Part("encoder", self.encoder, self.stage.sender, digest, self.space).save(
                self.run_dir / "encoders" / Path(self.stage.sender).name,
                bits=self.stage.weight_bits,
            )
        for name, adapter in self.adapters.items():
            if f"adapter.{name}" in self.trained:
                digest = self.receivers[name].weights_digest.hex()
                Part("adapter", adapter, name, digest, self.space).save(
                    self.run_dir / "adapters" / Path(name).name, bits=8
                )

    @torch.inference_mode()
    def validate(self, limit: int = VALIDATION_ROWS) -> dict[str, dict[str, float]]:
        """Validation accuracy in percent by receiver and task, of the parts as they are saved."""
        rows = Rows.load(list(self.recipe.tasks), "validation", self.data_dir, limit)
        folder = self.run_dir / "encoders" / Path(self.stage.sender).name
        encoder = Part.load(folder, "encoder").module.to(self.device)
        assert isinstance(encoder, HiddenStateEncoder | ByteEncoder)
        result: dict[str, dict[str, float]] = {name: {} for name in self.receivers}
        for task, span in rows.spans.items():
            sent = []
            for start in range(0, len(span), 64):
                texts = [rows.texts[row] for row in span[start : start + 64]]
                if isinstance(encoder, ByteEncoder):
                    states, mask = encoder.batch(texts)
                else:
                    assert self.sender is not None
                    states, mask = self.sender.hidden_states(texts, encoder.config.layer)
                sent.append(through_the_wire(encoder(states, mask), self.recipe.space.encoding))
            labels = torch.tensor([rows.labels[row] for row in span])
            for name, frozen in self.receivers.items():
                part = Part.load(self.run_dir / "adapters" / Path(name).name, "adapter")
                adapter = part.module.to(self.device)
                tree = ChoiceTree.build(frozen, TASKS[task].question, TASKS[task].choices)
                guesses = []
                for latents in sent:
                    soft = adapter(latents)
                    mask = torch.ones(soft.shape[:2], dtype=torch.bool, device=soft.device)
                    guesses.append(score_choices(frozen, soft, mask, tree).argmax(1).cpu())
                correct = torch.cat(guesses) == labels
                result[name][task] = round(100 * float(correct.float().mean()), 1)
        return result
