"""Pretrain the two tiny frozen models that latentwire ships, from nothing, on one CPU core each.

    python training/pretrain_tiny.py tiny-llama --data-dir DATA --run-dir runs/tiny-llama
    python training/pretrain_tiny.py tiny-qwen  --data-dir DATA --run-dir runs/tiny-qwen

and as the shipped ones were, for four minutes of one GPU (``small-llama`` and ``small-qwen`` are
four times as large, for comparison):

    ... --minutes 4 --tokens 1000000000 --batch-tokens 16384 --workers 4

The models learn to read: the training splits of the tasks written as text, question and answer
(answer tokens weigh more), Wikipedia, grade-school mathematics, generated stories and number
sentences, and eleven kinds of questions about all of them. The run resumes from its folder exactly
where its last checkpoint was; on a GPU it uses it. The data of step n depend on the seed and n
alone. Set before starting, for 15 to 40% more speed on glibc:

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=16000000000 MALLOC_TOP_PAD_=268435456
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from latentwire.catalog import locate_model
from latentwire.frozen import FrozenModel
from latentwire.frozen.precision import fast_autocast
from latentwire.frozen.template import begin_ids, token_ids
from latentwire.judging import judge
from latentwire.tasks import TASKS
from latentwire.tasks.asked import QUESTION_SETS, Asked
from latentwire.tasks.base import find_data_dir
from latentwire.training.muon import Muon
from latentwire.transfer import to_device
from safetensors.torch import load_file, save_file
from tiny_batches import Pools, batches
from tiny_families import FAMILIES, build_config, build_tokenizer
from tiny_mixture import MADE, MAX_TOKENS, SHARES, Mixture
from tiny_sources import WIKI, Row, gathered, read_wiki
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

WARMUP_STEPS = 60
DECAY_SHARE = 0.35  # of the run, at its end, the learning rate falls linearly to zero
VALIDATION_BATCH = 25
TOKENIZER_DOCUMENTS = 1500


def weighted_loss(model: torch.nn.Module, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean negative log-likelihood of ids [B, T] under weights [B, T]; positions shift by one.

    Both are given on the CPU, where it is known without waiting for a GPU which predictions count.
    """
    kept = weights[:, 1:].flatten().nonzero().squeeze(1)
    chosen = torch.stack([ids[:, 1:].flatten()[kept], kept])
    ids, chosen, counted = (
        to_device(tensor.contiguous(), model.device)
        for tensor in (ids, chosen, weights[:, 1:].flatten()[kept])
    )
    targets, places = chosen
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]  # [B, T-1, d]
    logits = model.lm_head(hidden.flatten(0, 1)[places]).float()  # [N, V]
    losses = F.cross_entropy(logits, targets, reduction="none")
    return (losses * counted).sum() / counted.sum()


@torch.inference_mode()
def wiki_loss(model: torch.nn.Module, rows: list[list[int]], bos: list[int]) -> float:
    """Nats per token on held-out Wikipedia."""
    model.eval()
    total, count = 0.0, 0
    for ids in rows:
        tensor = torch.tensor([bos + ids])
        loss = weighted_loss(model, tensor, torch.ones_like(tensor, dtype=torch.float32))
        total += float(loss) * (tensor.shape[1] - 1)
        count += tensor.shape[1] - 1
    model.train()
    return total / count


def answer_accuracy(
    model: torch.nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    validation: dict[str, list[Asked]],
) -> dict[str, float]:
    """Percent of questions about held-out texts that the model answers right: for the log."""
    frozen = FrozenModel("in training", model, tokenizer, is_causal=True)
    result = {}
    for kind, rows in validation.items():
        correct = 0
        for start in range(0, len(rows), VALIDATION_BATCH):
            batch = rows[start : start + VALIDATION_BATCH]
            texts = [token_ids(tokenizer, row.text)[: MAX_TOKENS - 16] for row in batch]
            ids, mask = frozen.pad(texts)
            correct += int(judge(frozen, frozen.embed(ids), mask, batch).are_right.sum())
        result[kind] = round(100 * correct / len(rows), 1)
    model.requires_grad_(True).train()
    return result


def build_optimizers(model: torch.nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for hidden matrices, AdamW for embeddings, norms and biases."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    chosen = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return [
        Muon(matrices, lr=rate, weight_decay=0.05),
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def learning_rate(step: int, done: float, peak: float) -> float:
    """Warm-up, plateau, linear decay; ``done`` is the share of the run that is over."""
    return peak * min(1.0, (step + 1) / WARMUP_STEPS, max(0.0, 1 - done) / DECAY_SHARE)


def save_state(
    folder: Path,
    model: torch.nn.Module,
    optimizers: list[torch.optim.Optimizer],
    progress: dict[str, float],
) -> None:
    """Write weights, optimizer state, progress; the old file stays until the new one is whole."""
    tensors = {f"model.{n}": p.detach().contiguous() for n, p in model.named_parameters()}
    for index, optimizer in enumerate(optimizers):
        for key, state in optimizer.state_dict()["state"].items():
            for field, value in state.items():
                tensors[f"optimizer.{index}.{key}.{field}"] = torch.as_tensor(value).contiguous()
    partial = folder / "state.partial"
    save_file(tensors, partial, metadata={"progress": json.dumps(progress)})
    partial.replace(folder / "state.safetensors")


def load_state(
    path: Path, model: torch.nn.Module, optimizers: list[torch.optim.Optimizer]
) -> dict[str, float]:
    """Inverse of ``save_state``."""
    from safetensors import safe_open

    tensors = load_file(path)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"model.{name}"])
    for index, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith(f"optimizer.{index}."):
                _, _, key, field = name.split(".", 3)
                state.setdefault(int(key), {})[field] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    with safe_open(path, "pt") as file:
        progress: dict[str, float] = json.loads(file.metadata()["progress"])
    return progress


def tokenizer_corpus(rows: list[Row]) -> Iterator[str]:
    """What a tokenizer is trained on: some running text, and the tasks with their questions."""
    documents = (row.text for row in rows if row.source == WIKI)
    yield from itertools.islice(documents, TOKENIZER_DOCUMENTS)
    for task in TASKS.values():
        yield from (row.text for row in rows if row.source == task.name)
        yield from (f"\n{task.question} {choice}" for choice in task.choices for _ in range(50))
    yield from (f"{row.text}\n{row.answer}" for row in rows if row.source == "gsm8k")


def open_tokenizer(name: str, folder: Path, start: str | None, rows: list[Row]) -> Any:
    """The tokenizer of a run: its own if it has one, that of the model it starts from, or new."""
    if (folder / "tokenizer.json").is_file():
        return PreTrainedTokenizerFast.from_pretrained(folder)
    family = FAMILIES[name].tokenizer
    if start is not None or family != name:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(locate_model(start or family))
    else:
        tokenizer = build_tokenizer(name, tokenizer_corpus(rows))
    tokenizer.save_pretrained(folder)
    return tokenizer


def main() -> None:
    """Train, logging to ``log.jsonl``; leave a ``save_pretrained`` folder under ``model/``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=FAMILIES)
    parser.add_argument("--data-dir", default=None)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument(
        "--tokens", type=int, default=10_000_000, help="training tokens, padding not counted"
    )
    parser.add_argument("--minutes", type=float, help="ends the run, if the tokens do not before")
    parser.add_argument("--batch-tokens", type=int, default=3072, help="padded tokens in a step")
    parser.add_argument("--workers", type=int, default=0, help="processes that draw examples")
    parser.add_argument(
        "--sources", type=Path, help="where texts and questions are kept; made if it is not there"
    )
    parser.add_argument(
        "--start", help="model to go on with, instead of random weights: a shipped one or a folder"
    )
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--validation-rows", type=int, default=100, help="of each kind of question, for the log"
    )
    parser.add_argument("--save-minutes", type=float, default=5.0)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data_dir = find_data_dir(args.data_dir)
    folder = args.run_dir / "model"
    folder.mkdir(parents=True, exist_ok=True)
    sources = args.sources or args.run_dir.parent / "pretraining.jsonl.zst"
    rows = gathered(sources, [name for name in SHARES if name not in MADE], data_dir)
    tokenizer = open_tokenizer(args.name, folder, args.start, rows)
    bos = begin_ids(tokenizer)
    mixture = Mixture(SHARES, rows, tokenizer)
    validation = {
        kind: questions.load("validation", data_dir, limit=args.validation_rows)
        for kind, questions in QUESTION_SETS.items()
        if kind in SHARES and args.validation_rows
    }
    wiki_valid = [
        token_ids(tokenizer, text[:2000])[:MAX_TOKENS]
        for text in read_wiki(data_dir / "wiki" / "valid.jsonl.zst", 60)
    ]

    if args.start is None:
        model = AutoModelForCausalLM.from_config(
            build_config(args.name, tokenizer), attn_implementation="sdpa"
        )
    else:
        model = FrozenModel.load(args.start).model.requires_grad_(True)
    model.to(device).train()
    optimizers = build_optimizers(model, args.lr)
    progress: dict[str, float] = {"step": 0, "tokens": 0, "seconds": 0.0}
    state_path = args.run_dir / "state.safetensors"
    if state_path.is_file():
        progress = load_state(state_path, model, optimizers)
    pools = Pools(mixture, args.seed, bos, int(tokenizer.pad_token_id), args.batch_tokens)
    stream = batches(pools, args.workers)
    for _ in range(int(progress["step"])):
        next(stream)

    size = sum(p.numel() for p in model.parameters())
    print(
        f"{args.name}: {size:,} parameters, {len(tokenizer)} tokens, from step {progress['step']}",
        flush=True,
    )
    log = (args.run_dir / "log.jsonl").open("a")
    started = saved = time.monotonic()
    before = progress["seconds"]
    limit = math.inf if args.minutes is None else 60 * args.minutes
    running = torch.zeros((), device=device)
    done = 0.0
    while done < 1:
        ids, weights = next(stream)
        # The question's tokens weigh nothing; they are about five.
        progress["tokens"] += int((weights > 0).sum()) + ids.shape[0] * 5
        rate = learning_rate(int(progress["step"]), done, args.lr)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        with fast_autocast(device):
            loss = weighted_loss(model, ids, weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        progress["step"] += 1
        progress["seconds"] = before + time.monotonic() - started
        running = torch.lerp(running, loss.detach(), 0.02 if progress["step"] > 50 else 0.2)
        done = max(progress["tokens"] / args.tokens, progress["seconds"] / limit)
        if int(progress["step"]) % 50 == 0:
            entry = {**progress, "loss": round(float(running), 4), "lr": rate}
            print(json.dumps(entry), file=log, flush=True)
        if done >= 1 or time.monotonic() - saved > 60 * args.save_minutes:
            save_state(args.run_dir, model, optimizers, progress)
            model.save_pretrained(folder)
            with fast_autocast(device):
                entry = {
                    **progress,
                    "wiki_loss": round(wiki_loss(model, wiki_valid, bos), 4),
                    "validation_accuracy": answer_accuracy(model, tokenizer, validation),
                }
            print(json.dumps(entry), flush=True)
            print(json.dumps(entry), file=log, flush=True)
            saved = time.monotonic()


if __name__ == "__main__":
    main()
