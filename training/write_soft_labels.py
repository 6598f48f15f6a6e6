"""What a fine-tuned copy of a sender believes of training rows that it has not seen.

The encoder of a frozen sender fits small training sets to the last row, and errs on new texts.
Softer answers are to hold it back: each fold of the rows is judged by a copy of the sender that was
fine-tuned, all weights of it, on the other folds, so that no row is judged by a model that knows
its answer (Dao et al. 2021, arXiv:2104.09732). Recipes take the file as ``soft_labels``. The sender
that encodes stays the frozen one.

    python training/write_soft_labels.py --data-dir DATA --output soft-labels.safetensors
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
import torch.nn.functional as F
from latentwire.catalog import locate_model
from latentwire.errors import LatentwireError
from latentwire.frozen import FrozenModel
from latentwire.tasks import TASKS
from latentwire.tasks.base import Example
from latentwire.training.soft_labels import SoftLabels
from torch import Tensor, nn

EPOCHS = {"ag_news": 2, "trec": 4, "banking77": 6, "sst2": 1}
BATCH = 32
LEARNING_RATE = 1.0e-4
WARM_UP = 0.06
CHUNK = 16  # batches whose rows are sorted by length, so that little is padding
MAX_TOKENS = 128


class FineTuned(nn.Module):
    """A sender's trunk, the mean of its last states, and a linear head for each task."""

    def __init__(self, frozen: FrozenModel, tasks: Sequence[str]) -> None:
        super().__init__()
        self.frozen = frozen
        self.trunk = frozen.backbone.requires_grad_(True)
        self.dropout = nn.Dropout(0.1)
        width = self.trunk.config.hidden_size
        self.heads = nn.ModuleDict({t: nn.Linear(width, len(TASKS[t].choices)) for t in tasks})

    def forward(self, task: str, texts: Sequence[str]) -> Tensor:
        """Logits [B, C] of texts."""
        ids, mask = self.frozen.pad([row[:MAX_TOKENS] for row in self.frozen.ids_read(texts)])
        states = self.trunk(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        real = mask[..., None].to(states.dtype)
        mean = (states * real).sum(1) / real.sum(1)
        logits: Tensor = self.heads[task](self.dropout(mean))
        return logits


def texts_of(rows: Mapping[str, Sequence[Example]]) -> dict[str, list[str]]:
    """The texts of each task."""
    return {task: [example.text for example in examples] for task, examples in rows.items()}


def batches(rows: Sequence[int], texts: Sequence[str], rng: random.Random) -> list[list[int]]:
    """All rows once, in batches of like length, in random order."""
    shuffled = rng.sample(list(rows), len(rows))
    found = []
    for start in range(0, len(shuffled), BATCH * CHUNK):
        chunk = sorted(shuffled[start : start + BATCH * CHUNK], key=lambda row: len(texts[row]))
        found += [chunk[i : i + BATCH] for i in range(0, len(chunk), BATCH)]
    rng.shuffle(found)
    return found


def judge_fold(
    sender: str, rows: dict[str, list[Example]], fold: int, folds: int, seed: int
) -> dict[str, Tensor]:
    """Fine-tune on all rows but a fold's; logits [N_fold, C] of the fold's."""
    torch.set_num_threads(1)
    torch.manual_seed(1000 * seed + fold)
    rng = random.Random(f"{seed}-{fold}")
    model = FineTuned(FrozenModel.load(sender), list(rows))
    texts = texts_of(rows)
    plan = []
    for task, examples in rows.items():
        others = [row for row in range(len(examples)) if row % folds != fold]
        for _ in range(EPOCHS[task]):
            plan += [(task, batch) for batch in batches(others, texts[task], rng)]
    rng.shuffle(plan)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / (WARM_UP * len(plan)), 1 - step / len(plan)),
    )
    model.train()
    started, total = time.monotonic(), 0.0
    for step, (task, batch) in enumerate(plan):
        labels = torch.tensor([rows[task][row].label for row in batch])
        loss = F.cross_entropy(model(task, [texts[task][row] for row in batch]), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += float(loss.detach())
        if (step + 1) % 100 == 0:
            print(
                f"fold {fold}: step {step + 1} of {len(plan)}, loss {total / 100:.3f}, "
                f"{time.monotonic() - started:.0f} s",
                file=sys.stderr,
            )
            total = 0.0
    return {t: judge(model, t, own, range(fold, len(own), folds)) for t, own in texts.items()}


@torch.no_grad()
def judge(model: FineTuned, task: str, texts: Sequence[str], rows: range) -> Tensor:
    """Logits [R, C] of some of a task's texts."""
    model.eval()
    logits = torch.empty(len(texts), len(TASKS[task].choices))
    alike = sorted(rows, key=lambda row: len(texts[row]))
    for start in range(0, len(alike), BATCH):
        batch = alike[start : start + BATCH]
        logits[batch] = model(task, [texts[row] for row in batch])
    return logits[list(rows)]


def temperature(logits: Tensor, labels: Tensor) -> float:
    """What logits are divided by so that the right answers are likeliest, of a grid."""
    grid = [1.05**i for i in range(-10, 31)]
    return min(grid, key=lambda t: float(F.cross_entropy(logits / t, labels)))


def main() -> None:
    """Judge all folds, write what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sender", default="minilm")
    parser.add_argument(
        "--tasks", nargs="+", choices=EPOCHS, default=["ag_news", "trec", "banking77"]
    )
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2, help="folds at once, a thread each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.folds < 2:
        parser.error(f"--folds {arguments.folds}: who judges a fold has learned from the others")
    if arguments.workers < 1:
        parser.error(f"--workers {arguments.workers}: at least one")
    if not arguments.output.parent.is_dir():
        parser.error(f"--output: there is no folder {arguments.output.parent}")
    try:
        rows = {task: TASKS[task].load("train", arguments.data_dir) for task in arguments.tasks}
        locate_model(arguments.sender)
    except LatentwireError as error:
        sys.exit(f"error: {error}")
    folds = range(arguments.folds)
    with ProcessPoolExecutor(arguments.workers) as pool:
        jobs = [
            pool.submit(judge_fold, arguments.sender, rows, f, arguments.folds, arguments.seed)
            for f in folds
        ]
        judged = [job.result() for job in jobs]
    tables, figures = {}, {}
    for task, examples in rows.items():
        logits = torch.empty(len(examples), len(TASKS[task].choices))
        for fold in folds:
            logits[fold :: arguments.folds] = judged[fold][task]
        labels = torch.tensor([example.label for example in examples])
        divisor = temperature(logits, labels)
        tables[task] = (logits / divisor).softmax(1)
        figures[task] = {
            "accuracy": round(100 * float((logits.argmax(1) == labels).float().mean()), 1),
            "temperature": round(divisor, 2),
            "loss": round(float(F.cross_entropy(logits / divisor, labels)), 4),
        }
    SoftLabels(tables).save(arguments.output, texts_of(rows))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
