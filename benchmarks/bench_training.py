"""Throughput of training: against a plain PyTorch loop, and from the cache against recomputing.

python benchmarks/bench_training.py --data-dir DATA

The plain loop does what a stage without special wishes needs and nothing else: draw, forward,
backward, clip, step, over the same modules. Rounds of both alternate, the best of each counts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from latentwire.models.bridges import encode
from latentwire.models.quantizer import through_the_wire
from latentwire.training.compute import start_accelerator
from latentwire.training.features import StateInputs
from latentwire.training.loop import Trainer
from latentwire.training.objectives import label_likelihood
from latentwire.training.optimizers import build_optimizers
from latentwire.training.recipe import Recipe


def recipe(sender: str, receiver: str, batch_size: int) -> Recipe:
    """One stage of the shipped space's kind."""
    stage = {
        "name": "found",
        "sender": sender,
        "encoder": {"depth": 2},
        "train": ["encoder", "adapters"],
        "objectives": {"label_likelihood": 1.0},
        "steps": 100_000,
        "batch_size": batch_size,
    }
    return Recipe.model_validate(
        {
            "space": {"name": "benchmark"},
            "receivers": [receiver],
            "tasks": {"sst2": 0.25, "ag_news": 0.25, "trec": 0.25, "banking77": 0.25},
            "stages": [stage],
        }
    )


def plain_step(trainer: Trainer) -> Callable[[int], None]:
    """The same update, written out."""
    parts, batches = trainer.parts, trainer.batches
    [(name, frozen)] = parts.receivers.items()
    modules = list(parts.trained.values())
    parameters = [parameter for module in modules for parameter in module.parameters()]
    optimizers = build_optimizers(modules)

    def step(number: int) -> None:
        batch = batches.draw(number)
        states, mask = batches.inputs.batch(batch.rows)
        latents = encode(parts.encoder, states, mask, batch.num_latents).latents
        prefix = parts.adapters[name](through_the_wire(latents, "int8"))
        label_likelihood(frozen, prefix, batch.questions, batch.answers).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    return step


def seconds(work: Callable[[int], object], numbers: range) -> float:
    """How long calls take."""
    started = time.perf_counter()
    for number in numbers:
        work(number)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--sender", default="tiny-llama")
    parser.add_argument("--receiver", default="tiny-qwen")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    wanted = recipe(args.sender, args.receiver, args.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        trainer = Trainer(
            wanted, wanted.stages[0], Path(folder, "run"), args.data_dir, start_accelerator()
        )
        filling = time.perf_counter() - started
        plain, ours = plain_step(trainer), trainer.updates.step
        times: dict[str, list[float]] = {"plain": [], "ours": []}
        for number in range(args.rounds + 1):  # the first one warms up
            steps = range(number * args.steps, (number + 1) * args.steps)
            times["plain"].append(seconds(plain, steps))
            times["ours"].append(seconds(ours, steps))
        per_second = {
            name: args.steps * args.batch_size / min(found[1:]) for name, found in times.items()
        }
        rows, frozen = trainer.batches.rows, trainer.parts.sender
        assert frozen is not None
        live = StateInputs(frozen, trainer.parts.encoder.config.layer, rows.texts)  # type: ignore[union-attr]
        drawn = [trainer.batches.draw(number).rows for number in range(args.steps)]
        cached = seconds(lambda n: trainer.batches.inputs.batch(drawn[n]), range(args.steps))
        recomputed = seconds(lambda n: live.batch(drawn[n]), range(args.steps))
    step = min(times["ours"][1:])
    epoch = len(rows.texts) / (args.steps * args.batch_size)
    result = {
        "sender": args.sender,
        "receiver": args.receiver,
        "threads": args.threads,
        "batch_size": args.batch_size,
        "examples_per_second": {name: round(value, 1) for name, value in per_second.items()},
        "share_of_plain": round(per_second["ours"] / per_second["plain"], 3),
        "rows": len(rows.texts),
        "seconds_to_build_and_fill_the_cache": round(filling, 1),
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
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
