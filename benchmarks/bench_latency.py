"""Latent path against text relay over gRPC, call by call: what each takes, and their ratio.

python benchmarks/bench_latency.py

Two host processes as in ``latentwire demo``, one thread each. The held-out sentences take turns on
all paths, so that what else the machine does falls on all alike; medians over all of them, and the
median of the ratios of a sentence's own two times. ``describe`` computes nothing: it is what a call
costs by itself.

The relay ends where the sender's model ends its text. ``whole_relays`` are the sentences for which
it wrote as many tokens as it may.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from latentwire.catalog import locate_model
from latentwire.demo.hosts import host_processes
from latentwire.demo.run import RELAY_TOKENS
from latentwire.demo.samples import Sample, load_samples
from latentwire.exchange import Host, connect
from latentwire.questions import REPEAT_QUESTION
from tokenizers import Tokenizer

WARM_UP = 6


class Stopwatch:
    """Milliseconds by name."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, list[float]] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.milliseconds.setdefault(name, []).append(1000 * (time.perf_counter() - started))


def one_sentence(watch: Stopwatch, sender: Host, receiver: Host, sample: Sample, k: int) -> str:
    """Every path of a sentence, one after another; what the relay wrote."""
    question, choices = sample.question, sample.choices
    with watch.measure("latent"):
        with watch.measure("encode"):
            packet = sender.encode(sample.text, k=k)
        with watch.measure("ask"):
            receiver.ask(packet, question=question, choices=choices)
    with watch.measure("text"):
        receiver.ask_text(sample.text, question=question, choices=choices)
    with watch.measure("text_relay"):
        with watch.measure("write"):
            relayed = sender.generate_text(
                sample.text, question=REPEAT_QUESTION, max_new_tokens=RELAY_TOKENS
            )
        with watch.measure("read"):
            receiver.ask_text(relayed or ".", question=question, choices=choices)
    with watch.measure("describe"):
        sender.describe()
    return relayed


def summary(times: dict[str, list[float]], chosen: Sequence[int]) -> dict[str, Any]:
    """Figures of the sentences of these indices."""
    own = {name: [found[index] for index in chosen] for name, found in times.items()}
    medians = {name: statistics.median(found) for name, found in own.items()}
    pairs = zip(own["text_relay"], own["latent"], strict=True)
    return {
        "sentences": len(chosen),
        "median_ms": {name: round(value, 2) for name, value in medians.items()},
        "relay_over_latent": round(medians["text_relay"] / medians["latent"], 2),
        "median_of_ratios": round(statistics.median(r / n for r, n in pairs), 2),
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sender", default="tiny-llama")
    parser.add_argument("--receiver", default="tiny-qwen")
    parser.add_argument("--rounds", type=int, default=3, help="times through the 80 sentences")
    parser.add_argument("--k", type=int, default=4, help="latents of a message")
    options = parser.parse_args()
    samples = load_samples(40)
    commands = [
        ["--model", options.sender, "--role", "sender", "--threads", "1"],
        ["--model", options.receiver, "--role", "receiver", "--threads", "1"],
    ]
    tokenizer = Tokenizer.from_file(str(Path(locate_model(options.sender)) / "tokenizer.json"))
    watch, written = Stopwatch(), []
    with host_processes(commands) as addresses:
        sender, receiver = map(connect, addresses)
        with sender, receiver:
            for sample in samples[:WARM_UP]:
                one_sentence(Stopwatch(), sender, receiver, sample, options.k)
            for _ in range(options.rounds):
                for sample in samples:
                    relayed = one_sentence(watch, sender, receiver, sample, options.k)
                    written.append(len(tokenizer.encode(relayed, add_special_tokens=False).ids))
    times, every = watch.milliseconds, range(len(written))
    whole = [index for index in every if written[index] >= RELAY_TOKENS]
    figures = {"mean_tokens_written": round(statistics.mean(written), 1), **summary(times, every)}
    if whole:
        figures["whole_relays"] = summary(times, whole)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
