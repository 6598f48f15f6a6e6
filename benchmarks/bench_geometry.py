"""What training a bridge costs at published size: speed, memory, share of the peak matrix rate.

python benchmarks/bench_geometry.py [--seconds-limit 70] [--output geometry.json]

Beside the document a table of it is written, ``geometry.md``.

Models have the published geometry and random weights, which cost what trained ones do. Everything
else is what a run of the recipe has: parts, feature cache, draws, objective, int8 in the loop,
optimizer, update. Two things differ. Texts are cut into a small tokenizer's tokens, of which there
are more. And every message has all its latents, so that steps are alike; those of a run are shorter
on average.

The peak is that of an 8192 x 8192 x 8192 bfloat16 product, measured in the same minute. Counted are
the products of linear layers, in their backward pass those that are needed: a frozen layer has no
gradient of its weights. What is computed twice to save memory counts once, and attention's own
products, some hundredths at most for texts this short, do not count.

Without an accelerator every row says "not measured"; ``--tiny`` runs the same code on geometries
of a sixteenth of the width, on whatever there is.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import torch
from bench_training import plain_step
from latentwire.durable import write_whole
from latentwire.frozen import FrozenModel
from latentwire.frozen.precision import computes_in_bfloat16, fast_autocast
from latentwire.provenance import describe_run
from latentwire.space import LatentSpace
from latentwire.training.batches import Batches, open_dialogues
from latentwire.training.building import Size, build_adapter, build_encoder
from latentwire.training.compute import autocast, checkpoint_layers, start_accelerator
from latentwire.training.data import Rows
from latentwire.training.features import EncoderInputs
from latentwire.training.geometry import PUBLISHED, scaled_down
from latentwire.training.parts import StageParts, fit_colorizer
from latentwire.training.recipe import Recipe, Stage
from latentwire.training.recipe_file import load_recipe
from latentwire.training.stage_data import fit_normalizer, open_inputs
from latentwire.training.step_loss import StepLoss
from latentwire.training.update import Updates
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "training" / "recipes"
PAIRS = "llama3.1-8b_to_qwen2.5-7b,qwen2.5-7b_to_llama3.1-8b"
WARM_UPS = 2
GIB = 1024**3
NO_ACCELERATOR, TOO_LATE = "not measured: no accelerator", "not measured: the time was over"
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Wanted:
    """A row to measure: of a sender's states without a mode, else of training steps."""

    pair: str
    batch_size: int
    mode: str | None = None
    is_checkpointed: bool = False
    has_plain: bool = False

    @property
    def labels(self) -> dict[str, Any]:
        """What the row is of."""
        labels: dict[str, Any] = {"pair": self.pair, "batch_size": self.batch_size}
        if self.mode is None:
            return {"what": "sender states", **labels}
        labels |= {"mode": self.mode, "gradient_checkpointing": self.is_checkpointed}
        return {"what": "train step", **labels}


def wanted_rows(pair: str, batches: list[int]) -> list[Wanted]:
    """Rows of a pair, its recipe's batch first; the plain loop there, where overhead shows."""
    middle = batches[len(batches) // 2]
    return [
        *(Wanted(pair, size) for size in batches[-2:]),
        *(
            Wanted(pair, size, "soft_tokens", saves, has_plain=saves and size == batches[0])
            for size in batches
            for saves in (True, False)
        ),
        *(Wanted(pair, middle, "deep", saves) for saves in (True, False)),
    ]


@dataclass
class Report:
    """The document; it is written again after every row, so that a kill loses nothing."""

    described: dict[str, Any]
    output: Path | None
    limit: float
    started: float = field(default_factory=time.monotonic)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def document(self) -> dict[str, Any]:
        """All that was found so far."""
        seconds = round(time.monotonic() - self.started, 1)
        return {**self.described, "seconds": seconds, "rows": self.rows}

    def add(self, labels: dict[str, Any], work: Callable[[], dict[str, Any]] | str) -> None:
        """A row: what ``work`` finds, the error that it ends with, or why it is not done."""
        row = {**labels, "status": "measured"}
        if isinstance(work, str):
            row["status"] = work
        elif time.monotonic() - self.started > self.limit:
            row["status"] = TOO_LATE
        else:
            try:
                row |= work()
            except Exception as error:  # the next row may do
                traceback.print_exc()
                reason = " ".join(str(error).split())[:300]
                row["status"] = f"error: {type(error).__name__}: {reason}"
        self.rows.append(row)
        release()
        print(json.dumps(row), file=sys.stderr, flush=True)
        if self.output is not None:
            document = self.document
            write_whole(self.output, json.dumps(document, indent=2) + "\n")
            write_whole(self.output.with_suffix(".md"), as_table(document))


_COLUMNS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "pair": lambda row: row["pair"],
    "what": lambda row: row["what"] + (f", {row['mode']}" if "mode" in row else ""),
    "batch": lambda row: str(row.get("batch_size", "")),
    "gradient checkpointing": lambda row: {True: "yes", False: "no", None: ""}[
        row.get("gradient_checkpointing")
    ],
    "tokens": lambda row: shown(row.get("tokens_a_row", row.get("tokens_a_text")), "{:.1f}"),
    "examples/s": lambda row: shown(
        row.get("examples_per_second", row.get("texts_per_second")), "{:.4g}"
    ),
    "ms a step": lambda row: shown(row.get("seconds_a_step"), "{:.0f}", 1000),
    "TFLOP/s": lambda row: shown(row.get("tflop_per_second"), "{:.1f}"),
    "of the peak": lambda row: shown(row.get("share_of_peak"), "{:.1f}%", 100),
    "peak GiB": lambda row: shown(row.get("gib_at_most"), "{:.1f}"),
    "of a plain loop": lambda row: shown(row.get("share_of_plain"), "{:.2f}"),
}


def shown(value: float | None, form: str, times: float = 1) -> str:
    """A cell; empty where there is nothing."""
    return "" if value is None else form.format(times * value)


def as_table(document: Mapping[str, Any]) -> str:
    """The document for readers: one row a measurement, in the order in which they were made."""
    peak = document["peak_tflop_per_second"]
    measured = "not measured" if peak is None else f"{peak:.1f} TFLOP/s"
    described = {
        **{key: document[key] for key in ("command", "date", "commit", "machine", "versions")},
        "peak": f"{measured}, a bfloat16 product of 8192 x 8192 x 8192",
        "geometry": f"{document['geometry']}, random weights",
        "seconds": f"{document['seconds']}, models included",
    }
    lines = [
        "# What training costs at published size",
        "",
        "One process on one accelerator. Tokens are those of a text that the sender reads, or the "
        "median of a row that the receiver reads: begin token, message, question, answer and "
        "padding. GiB are the most that was allocated. A plain loop is the same update written "
        "out, measured beside the first training row of each pair. Caching is tokenizing, the "
        "sender and the disk. Written by the command below; not edited.",
        "",
        *(f"- {key}: {value}" for key, value in described.items()),
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "| --- " * len(_COLUMNS) + "|",
    ]
    for row in document["rows"]:
        cells = {name: cell(row) for name, cell in _COLUMNS.items()}
        if row["status"] != "measured":
            cells["examples/s"] = row["status"].replace("|", "/")
        lines.append(f"| {' | '.join(cells.values())} |")
    return "\n".join(lines) + "\n"


class Pair:
    """A recipe's sender and receiver, random, and what the sender makes of the texts.

    One model is there at a time, as in a run, where the sender leaves once its states are cached.

    Args:
        name: Of the recipe.
        folder: Where states are cached.
        args: Of the command.
    """

    def __init__(self, name: str, folder: Path, args: argparse.Namespace) -> None:
        self.name = name
        self.folder = folder
        self.is_tiny, self.steps = args.tiny, args.steps
        self.accelerator = start_accelerator()
        recipe = self.recipe()
        self.rows = Rows.load(list(recipe.tasks), "train", args.data_dir, args.rows)
        self.model: FrozenModel | None = None
        self.inputs: EncoderInputs | None = None
        self.sender_size: Size | None = None

    def recipe(self, *overrides: str) -> Recipe:
        """The recipe for one process, with messages of full length."""
        alone = ["engine.processes=1", "full_length_share=1.0", *overrides]
        if self.is_tiny:  # a layer that tiny models have; processors are slow in bfloat16
            is_fast = computes_in_bfloat16(self.accelerator.device)
            dtype = "bfloat16" if is_fast else "float32"
            alone += ["stages.found.layer=2", "engine.precision=auto"]
            alone.append(f"engine.frozen_dtype={dtype}")
        return load_recipe(RECIPES / f"{self.name}.yaml", alone)

    def open(self, name: str) -> FrozenModel:
        """The random model of a name; another one leaves for it."""
        if self.model is None or self.model.name != name:
            self.model = None
            release()
            dtype = _DTYPES[self.recipe().engine.frozen_dtype]
            self.model = random_model(name, self.accelerator.device, dtype, is_tiny=self.is_tiny)
        return self.model

    @cached_property
    def stage(self) -> Stage:
        """The recipe's only stage."""
        [stage] = self.recipe().stages
        return stage

    def cache(self) -> dict[str, Any]:
        """Cache what the sender makes of all texts, as a run does."""
        sender = self.open(self.stage.sender)
        size = Size.of(sender.config)
        encoder = build_encoder(self.recipe().space, self.stage, size)
        started = time.perf_counter()
        self.inputs = open_inputs(encoder, sender, self.rows, self.folder, self.accelerator)
        self.sender_size = size
        return {
            "texts": len(self.rows.texts),
            "texts_per_second": rounded(len(self.rows.texts) / (time.perf_counter() - started)),
        }

    def measure_sender(self, wanted: Wanted) -> dict[str, Any]:
        """States of batches of texts, up to the layer that the encoder reads."""
        sender, layer = self.open(self.stage.sender), self.stage.layer
        assert layer is not None

        def texts(number: int) -> list[str]:
            first = number * wanted.batch_size
            return [
                self.rows.texts[row % len(self.rows.texts)]
                for row in range(first, first + wanted.batch_size)
            ]

        def work(number: int) -> Any:
            with fast_autocast(sender.device):
                return sender.hidden_states(texts(number), layer)

        numbers = range(WARM_UPS, WARM_UPS + self.steps)
        operations = [count_operations([sender.model], work, number) for number in numbers]
        tokens = sum(len(ids) for n in numbers for ids in sender.ids_read(texts(n))) / self.steps
        found = self._figures(work, operations, wanted.batch_size)
        return {
            "layer": layer,
            "tokens_a_text": rounded(tokens / wanted.batch_size),
            **found,
            "tokens_per_second": rounded(tokens / found["seconds_a_step"]),
        }

    def measure_training(self, wanted: Wanted) -> dict[str, Any]:
        """Updates of the recipe's trained parts through the frozen receiver."""
        trial = Trial(self, wanted)
        parts, receiver = trial.parts, trial.receiver
        modules = [receiver.model, parts.encoder, *parts.adapters.values()]
        numbers = range(WARM_UPS, WARM_UPS + self.steps)
        operations = [count_operations(modules, trial.forward, number) for number in numbers]
        found = self._figures(trial.updates.step, operations, wanted.batch_size)
        if wanted.has_plain:
            plain = median(self._seconds(plain_step(trial)))  # type: ignore[arg-type]
            found["plain_examples_per_second"] = rounded(wanted.batch_size / plain)
            found["share_of_plain"] = rounded(plain / found["seconds_a_step"])
        trained = sum(p.numel() for part in parts.trained.values() for p in part.parameters())
        read = median(trial.tokens(number) for number in numbers)
        return {"trained_parameters": trained, "tokens_a_row": read, **found}

    def _seconds(self, work: Callable[[int], Any]) -> list[float]:
        """Seconds of each step after the first ones."""
        times = []
        for number in range(WARM_UPS + self.steps):
            synchronize()
            started = time.perf_counter()
            work(number)
            synchronize()
            times.append(time.perf_counter() - started)
        return times[WARM_UPS:]

    def _figures(
        self, work: Callable[[int], Any], operations: list[int], batch_size: int
    ) -> dict[str, Any]:
        """Speed and memory of steps that take so many operations."""
        has_gpu = torch.cuda.is_available()
        release()
        before = None
        if has_gpu:
            torch.cuda.reset_peak_memory_stats()
            before = rounded(torch.cuda.memory_allocated() / GIB)
        seconds = median(self._seconds(work))
        rate = median(operations) / seconds
        peak = peak_rate()
        return {
            "examples_per_second": rounded(batch_size / seconds),
            "seconds_a_step": rounded(seconds),
            "tflop_a_step": rounded(median(operations) / 1e12),
            "tflop_per_second": rounded(rate / 1e12),
            "share_of_peak": None if peak is None else rounded(rate / peak),
            "gib_before_a_step": before,
            "gib_at_most": rounded(torch.cuda.max_memory_allocated() / GIB) if has_gpu else None,
        }


class Trial:
    """What a ``Trainer`` holds for a stage, of a model that is there already.

    Put together as ``Trainer`` does it; only where models and states come from differs.
    """

    def __init__(self, pair: Pair, wanted: Wanted) -> None:
        assert pair.inputs is not None, "the sender's states are not cached"
        assert pair.sender_size is not None
        # One of its own: an accelerator keeps what it prepared.
        self.accelerator = accelerator = start_accelerator()
        self.recipe = recipe = pair.recipe(
            f"adapter.mode={wanted.mode}",
            f"engine.gradient_checkpointing={str(wanted.is_checkpointed).lower()}",
            f"stages.found.batch_size={wanted.batch_size}",
        )
        [self.stage] = [stage] = recipe.stages
        [name] = recipe.receivers
        self.receiver = receiver = pair.open(name)
        receiver.model.eval()  # layers that an earlier row put into training mode keep everything
        if recipe.engine.gradient_checkpointing:
            checkpoint_layers(receiver)
        torch.manual_seed(recipe.seed)
        encoder = build_encoder(recipe.space, stage, pair.sender_size).to(accelerator.device)
        adapter = build_adapter(recipe.adapter, recipe.space, Size.of(receiver.config))
        fit_colorizer(adapter, receiver, pair.rows.texts[:64])
        adapter.to(accelerator.device)
        self.parts = StageParts.of(
            stage,
            None,
            {name: receiver},
            LatentSpace(name="random"),
            encoder,
            {name: adapter},
            None,
            {},
        )
        fit_normalizer(encoder, pair.inputs, recipe.seed)
        dialogues = open_dialogues(stage, self.parts.receivers, list(recipe.tasks))
        self.batches = Batches(recipe, stage, pair.rows, dialogues, pair.inputs)
        self.step_loss = StepLoss(
            self.parts, recipe.space.encoding, pair.rows.texts, pair.inputs, None
        )
        self.updates = Updates(recipe, stage, self.parts, self.step_loss, self.batches, accelerator)
        for module in self.parts.trained.values():
            module.train()

    def forward(self, number: int) -> Tensor:
        """The loss of a step."""
        with autocast(self.recipe.engine, self.accelerator.device):
            weights = self.updates.weights(number)
            loss: Tensor = self.step_loss(self.batches.draw(number), weights)["loss"]
        return loss

    def tokens(self, number: int) -> int:
        """Begin token, message, question and answer of a row of a step, padding included."""
        batch = self.batches.draw(number)
        rows = zip(batch.questions, batch.answers, strict=True)
        asked = max(len(question) + len(answer) - 1 for question, answer in rows)
        return len(self.receiver.begin) + batch.num_latents + asked


def random_model(
    name: str, device: torch.device, dtype: torch.dtype, *, is_tiny: bool
) -> FrozenModel:
    """A model of published geometry, made where it is used, with a small shipped tokenizer.

    Within ``torch.device`` everything is made there, buffers that are not saved among it.
    """
    from transformers import AutoModelForCausalLM

    tokenizer = FrozenModel.load("tiny-qwen").tokenizer
    config = PUBLISHED[name]
    config = scaled_down(config, len(tokenizer)) if is_tiny else type(config)(**config.to_dict())
    torch.manual_seed(1)
    started = time.perf_counter()
    family: Any = AutoModelForCausalLM
    with torch.device(device):
        model = family.from_config(config, dtype=dtype, attn_implementation="sdpa")
    found = FrozenModel(name, model, tokenizer, is_causal=True)
    # The cache is named by it. Hashing 16 GB takes a minute, and here the name says it all.
    found.weights_digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
    seconds = time.perf_counter() - started
    print(f"{name}: {found.dtype} on {found.device}, {seconds:.1f} s", file=sys.stderr, flush=True)
    return found


@contextlib.contextmanager
def counting(modules: list[nn.Module]) -> Iterator[list[int]]:
    """Collects the operations of every linear layer's products, backward pass included."""
    found: list[int] = []

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        assert isinstance(layer, nn.Linear)
        forward = 2 * inputs[0].numel() * layer.out_features
        passes = 1 + int(inputs[0].requires_grad) + int(layer.weight.requires_grad)
        found.append(forward * passes)

    linear = [m for module in modules for m in module.modules() if isinstance(m, nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in linear]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def count_operations(modules: list[nn.Module], work: Callable[[int], Any], number: int) -> int:
    """Operations of a step, by its forward pass; nothing is updated."""
    with counting(modules) as found:
        work(number)
    return sum(found)


_peak: list[float | None] = []


def peak_rate() -> float | None:
    """Operations per second of a large bfloat16 product; None without an accelerator."""
    if not _peak:
        _peak.append(_measure_peak() if torch.cuda.is_available() else None)
    return _peak[0]


def _measure_peak(size: int = 8192) -> float:
    left, right = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    times = []
    for _ in range(30):
        synchronize()
        started = time.perf_counter()
        torch.mm(left, right)
        synchronize()
        times.append(time.perf_counter() - started)
    return 2 * size**3 / median(times[20:])  # clocks rise first


def synchronize() -> None:
    """Wait for the accelerator, if there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def release() -> None:
    """Give back what nobody holds any more."""
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()


def rounded(value: float) -> float:
    """Four figures."""
    return float(f"{value:.4g}")


def measure_pair(name: str, report: Report, args: argparse.Namespace, folder: Path) -> None:
    """All rows of a pair."""
    wanted = wanted_rows(name, args.batches)
    labels = {"what": "caching of states", "pair": name}
    if not (args.tiny or torch.cuda.is_available()):
        for of in (labels, *(row.labels for row in wanted)):
            report.add(of, NO_ACCELERATOR)
        return
    pair = Pair(name, folder, args)
    for row in wanted:
        if row.mode is None:
            report.add(row.labels, lambda row=row: pair.measure_sender(row))
    report.add(labels, pair.cache)
    for row in wanted:
        if row.mode is not None:
            report.add(row.labels, lambda row=row: pair.measure_training(row))


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", default=PAIRS, help="recipes below training/recipes")
    parser.add_argument("--batches", default="4,16,64", help="rows a step; a GPU of the recipe: 4")
    parser.add_argument("--steps", type=int, default=8, help="timed ones of a row")
    parser.add_argument("--rows", type=int, default=100, help="texts of a task")
    parser.add_argument("--data-dir", type=Path, default=ROOT / "tests" / "data")
    parser.add_argument("--seconds-limit", type=float, default=70, help="after which no row starts")
    parser.add_argument("--tiny", action="store_true", help="a sixteenth of the width")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    args.batches = [int(size) for size in args.batches.split(",")]
    if args.tiny and not torch.cuda.is_available():
        torch.set_num_threads(1)
    described: dict[str, Any] = describe_run(" ".join(["python", *sys.argv]))
    peak = peak_rate()
    described["peak_tflop_per_second"] = None if peak is None else rounded(peak / 1e12)
    described["geometry"] = "a sixteenth of the width" if args.tiny else "as published"
    if args.output is not None:
        args.output.parent.mkdir(parents=True, exist_ok=True)
    report = Report(described, args.output, args.seconds_limit)
    with tempfile.TemporaryDirectory() as folder:
        for name in args.pairs.split(","):
            measure_pair(name, report, args, Path(folder))
            release()
    print(json.dumps(report.document, indent=2))


if __name__ == "__main__":
    gc.freeze()  # what imports made is not looked through again after every row
    main()
