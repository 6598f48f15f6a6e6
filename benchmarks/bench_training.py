"""Throughput of training: against a plain PyTorch loop, and from the cache against recomputing.

python benchmarks/bench_training.py --data-dir DATA [--output benchmarks/results/training.json]

Two kinds of stage: one that founds a space through a frozen receiver, and one in which a further
sender joins the shipped space by its latents alone, where the sender is all that is frozen. The
plain loop does what such a stage needs and nothing else: draw, forward, backward, clip, step, over
the same modules. Rounds of both alternate, the best of each counts. Time is processor time of one
thread, which other work on the machine takes little of.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from latentwire.checkpoint import DEFAULT_SPACE, SPACES_DIR
from latentwire.durable import write_whole
from latentwire.models.bridges import encode
from latentwire.models.quantizer import through_the_wire
from latentwire.provenance import describe_run
from latentwire.training.batches import Batch
from latentwire.training.compute import autocast, start_accelerator
from latentwire.training.features import StateInputs
from latentwire.training.loop import Trainer
from latentwire.training.objectives import label_likelihood, latent_distillation
from latentwire.training.optimizers import build_optimizers
from latentwire.training.recipe import Recipe
from torch import Tensor

TEACHER = "bytes"
"""Whom a joining sender learns from: no frozen model, so that the sender alone is recomputed."""


def recipe(kind: str, args: argparse.Namespace) -> Recipe:
    """One stage of the shipped space's kinds."""
    stage = {
        "name": kind,
        "sender": args.sender,
        "encoder": {"depth": 2},
        "steps": 100_000,
        "batch_size": args.batch_size,
    }
    if kind == "found":
        stage |= {"train": ["encoder", "adapters"], "objectives": {"label_likelihood": 1.0}}
    else:
        stage |= {"train": ["encoder"], "objectives": {"latent_distillation": 1.0}}
        stage |= {"teacher": TEACHER}
    return Recipe.model_validate(
        {
            "space": {"name": "benchmark"},
            "receivers": [args.receiver],
            "tasks": dict.fromkeys(args.tasks.split(","), 1.0),
            "stages": [stage],
        }
    )


def plain_step(trainer: Trainer) -> Callable[[int], None]:
    """The same update, written out."""
    parts, batches, inner = trainer.parts, trainer.batches, trainer.step_loss
    [(name, frozen)] = parts.receivers.items()
    modules = list(parts.trained.values())
    parameters = [parameter for module in modules for parameter in module.parameters()]
    optimizers = build_optimizers(modules, matrices_by=trainer.stage.optimizer)

    def forward(batch: Batch) -> Tensor:
        states, mask = batches.inputs.batch(batch.rows)
        latents = encode(parts.encoder, states, mask, batch.num_latents).latents
        if parts.teacher is None:
            prefix = parts.adapters[name](through_the_wire(latents, "int8"))
            return label_likelihood(frozen, prefix, batch.questions, batch.answers)
        assert inner.teacher_inputs is not None
        with torch.no_grad():
            taught = encode(
                parts.teacher[0], *inner.teacher_inputs.batch(batch.rows), batch.num_latents
            )
        return latent_distillation(latents, taught.latents)

    def step(number: int) -> None:
        with autocast(trainer.recipe.engine, trainer.accelerator.device):
            loss = forward(batches.draw(number))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    return step


def seconds(work: Callable[[int], object], numbers: range) -> float:
    """Processor time that calls take."""
    started = time.process_time()
    for number in numbers:
        work(number)
    return time.process_time() - started


def measure(kind: str, folder: Path, args: argparse.Namespace) -> dict[str, object]:
    """One row: a kind of stage, in a run folder."""
    wanted = recipe(kind, args)
    if kind == "join":
        shutil.copytree(SPACES_DIR / DEFAULT_SPACE, folder)
    trainer = Trainer(wanted, wanted.stages[0], folder, args.data_dir, start_accelerator())
    plain, ours = plain_step(trainer), trainer.updates.step
    times: dict[str, list[float]] = {"plain": [], "ours": []}
    for number in range(args.rounds + 1):  # the first one warms up
        steps = range(number * args.steps, (number + 1) * args.steps)
        times["plain"].append(seconds(plain, steps))
        times["ours"].append(seconds(ours, steps))
    rows, frozen = trainer.batches.rows, trainer.parts.sender
    assert frozen is not None
    live = StateInputs(frozen, trainer.parts.encoder.config.layer, rows.texts)  # type: ignore[union-attr]
    # The batches of the last round, in which both loops saw them.
    drawn = [trainer.batches.draw(number).rows for number in steps]
    cached = seconds(lambda n: trainer.batches.inputs.batch(drawn[n]), range(args.steps))
    recomputed = seconds(lambda n: live.batch(drawn[n]), range(args.steps))
    tokens = sum(int(trainer.batches.inputs.batch(chosen)[1].sum()) for chosen in drawn)
    step, epoch = times["ours"][-1], len(rows.texts) / (args.steps * args.batch_size)
    per_second = {
        name: args.steps * args.batch_size / min(found[1:]) for name, found in times.items()
    }
    return {
        "stage": kind,
        "sender": args.sender,
        **({"receiver": args.receiver} if kind == "found" else {"teacher": TEACHER}),
        "tasks": args.tasks,
        "batch_size": args.batch_size,
        "tokens_a_row": round(tokens / (args.steps * args.batch_size), 1),
        "examples_per_second": {name: round(value, 1) for name, value in per_second.items()},
        "share_of_plain": round(per_second["ours"] / per_second["plain"], 3),
        "rows": len(rows.texts),
        "seconds_of_an_epoch_of_states": {
            "from the cache": round(cached * epoch, 2),
            "recomputed": round(recomputed * epoch, 2),
            "times as fast": round(recomputed / cached, 1),
        },
        "seconds_of_an_epoch_of_training": {
            "from the cache": round(step * epoch, 1),
            "recomputed": round((step - cached + recomputed) * epoch, 1),
            "times as fast": round((step - cached + recomputed) / step, 2),
        },
    }


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--sender", default="minilm")
    parser.add_argument("--receiver", default="tiny-qwen")
    parser.add_argument("--tasks", default="sst2,ag_news,trec,banking77")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=8, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=Path, help="whose feature cache is used and filled")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.runs is not None:
        args.runs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.runs) as own:
        parent = Path(own) if args.runs is None else args.runs
        rows = []
        for kind in ("found", "join"):
            folder = parent / f"{Path(own).name}-{kind}"
            try:
                rows.append(measure(kind, folder, args))
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    described = describe_run(
        f"python benchmarks/bench_training.py --data-dir DATA --tasks {args.tasks} "
        f"--steps {args.steps} --rounds {args.rounds}"
    )
    result = {**described, "rows": rows}
    print(json.dumps(result, indent=2))
    if args.output is not None:
        write_whole(args.output, json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
