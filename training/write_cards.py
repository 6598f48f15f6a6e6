"""Write the cards of the shipped models from their pretraining logs and the measured figures.

python training/write_cards.py --runs runs --results benchmarks/results/results.json --on "one H200"
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from latentwire.catalog import PRETRAINED_DIR, SHIPPED_MODELS
from latentwire.tasks import TASKS
from transformers import AutoConfig

CARD = """# {name}

A {family} of {parameters:,} parameters, made from nothing by `training/pretrain_tiny.py` to be
shipped and tested with: a small model of another family, not a capable one.

- Geometry: width {width}, {layers} layers, {heads} heads ({kv} for keys and values), rotary base
  {theta:,.0f}; a tokenizer of its own with {vocabulary:,} tokens.
- Saw {tokens:,.0f} tokens in {minutes:.1f} minutes of {machine}: Wikipedia (BoolQ's articles as
  shipped with ERASER, CC BY-SA 3.0); the training splits of SST-2, AG News, TREC and Banking77
  written as text, question and answer; GSM8K, ARC-Easy, BoolQ; generated number sentences and
  stories; and questions about all of them: which name, number or word occurs, how many, who did it,
  which word is masked, what a story says, the text once more.
- Reaches {wiki:.2f} nats a token on held-out Wikipedia, in its own tokens.
- Is stored in 8 bits a weight with one scale a row (`latentwire.storage`).

Accuracy reading the text itself, whole test splits, percent (95% interval):

| {tasks} |
|{rule}|
| {figures} |
"""


def card(name: str, run_dir: Path, records: list[dict[str, Any]], machine: str) -> str:
    """The card of one model."""
    config = AutoConfig.from_pretrained(PRETRAINED_DIR / name)
    entries = [json.loads(line) for line in (run_dir / "log.jsonl").read_text().splitlines()]
    last = [entry for entry in entries if "wiki_loss" in entry][-1]
    accuracy = {
        record["task"]: record["accuracy"]
        for record in records
        if record["figure"] == "text" and record["receiver"] == name
    }
    figures = [
        f"{accuracy[task]['percent']:.1f} ({accuracy[task]['low']:.1f} to "
        f"{accuracy[task]['high']:.1f})"
        for task in TASKS
    ]
    return CARD.format(
        name=name,
        family=config.architectures[0],
        parameters=_parameters(name),
        width=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        kv=config.num_key_value_heads,
        theta=config.rope_parameters["rope_theta"],
        vocabulary=config.vocab_size,
        tokens=last["tokens"],
        minutes=last["seconds"] / 60,
        machine=machine,
        wiki=last["wiki_loss"],
        tasks=" | ".join(TASKS),
        rule="|".join(" --- " for _ in TASKS),
        figures=" | ".join(figures),
    )


def _parameters(name: str) -> int:
    from latentwire.frozen import FrozenModel

    return sum(p.numel() for p in FrozenModel.load(name).model.parameters())


def main() -> None:
    """Write one README.md beside each model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--on", default="one CPU core", help="what the models were trained on")
    args = parser.parse_args()
    records = json.loads(args.results.read_text())["records"]
    for name in SHIPPED_MODELS:
        text = card(name, args.runs / name, records, args.on)
        (PRETRAINED_DIR / name / "README.md").write_text(text)


if __name__ == "__main__":
    main()
