"""Pretrain the two tiny frozen models that latentwire ships, from nothing, on one CPU core each.

    python training/pretrain_tiny.py tiny-llama --data-dir DATA --run-dir runs/tiny-llama
    python training/pretrain_tiny.py tiny-qwen  --data-dir DATA --run-dir runs/tiny-qwen

and, to go on with a model that has learned to read, with texts that are asked many questions:

    python training/pretrain_tiny.py tiny-qwen --data-dir DATA --run-dir runs/asked/tiny-qwen
        --start tiny-qwen --mixture questions

The models learn to read: the training splits of the tasks written as text, question and answer
(answer tokens weigh more), Wikipedia, grade-school mathematics and generated number sentences. The
run resumes from its folder exactly where its last checkpoint was; on a GPU it uses it. The data of
step n depend on the seed and n alone. Set before starting, for 15 to 40% more speed on glibc:

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=16000000000 MALLOC_TOP_PAD_=268435456
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from latentwire.catalog import locate_model
from latentwire.frozen import FrozenModel
from latentwire.frozen.precision import fast_autocast
from latentwire.frozen.template import begin_ids, token_ids
from latentwire.judging import judge
from latentwire.tasks import TASKS
from latentwire.tasks.asked import QUESTION_SETS, Asked
from latentwire.tasks.base import find_data_dir, read_jsonl
from latentwire.training.muon import Muon
from safetensors.torch import load_file, save_file
from tiny_batches import batches
from tiny_families import build_config, build_tokenizer
from tiny_mixture import MAX_TOKENS, MIXTURES, Mixture, read_wiki
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

WARMUP_STEPS = 60
DECAY_SHARE = 0.35  # of the run, at its end, the learning rate falls linearly to zero
VALIDATION_ROWS = 100  # of each kind of question, for the log
VALIDATION_BATCH = 25


def weighted_loss(model: torch.nn.Module, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean negative log-likelihood of ids [B, T] under weights [B, T]; positions shift by one."""
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]  # [B, T-1, d]
    keep = weights[:, 1:] > 0
    logits = model.lm_head(hidden[keep]).float()  # [N, V]: only predictions that count
    losses = F.cross_entropy(logits, ids[:, 1:][keep], reduction="none")
    kept = weights[:, 1:][keep]
    return (losses * kept).sum() / kept.sum()


@torch.inference_mode()
def wiki_loss(
    model: torch.nn.Module, rows: list[list[int]], bos: list[int], device: torch.device
) -> float:
    """Nats per token on held-out Wikipedia."""
    model.eval()
    total, count = 0.0, 0
    for ids in rows:
        tensor = torch.tensor([bos + ids], device=device)
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


def learning_rate(step: int, tokens: int, budget: int, peak: float) -> float:
    """Warm-up, plateau, linear decay. The plateau lets a run be shortened or prolonged."""
    remaining = max(0.0, 1 - tokens / budget) / DECAY_SHARE
    return peak * min(1.0, (step + 1) / WARMUP_STEPS, remaining)


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


def main() -> None:
    """Train, logging to ``log.jsonl``; leave a ``save_pretrained`` folder under ``model/``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=["tiny-llama", "tiny-qwen"])
    parser.add_argument("--data-dir", default=None)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument(
        "--tokens", type=int, default=10_000_000, help="training tokens, padding not counted"
    )
    parser.add_argument("--mixture", choices=MIXTURES, default="tasks", help="what it reads")
    parser.add_argument(
        "--start", help="model to go on with, instead of random weights: a shipped one or a folder"
    )
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save-minutes", type=float, default=5.0)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data_dir = find_data_dir(args.data_dir)
    folder = args.run_dir / "model"
    folder.mkdir(parents=True, exist_ok=True)
    documents = read_wiki(data_dir / "wiki" / "train.jsonl.zst", 1500)

    trained: str | Path | None = None
    if (folder / "tokenizer.json").is_file():
        trained = folder
    elif args.start is not None:
        trained = locate_model(args.start)
    if trained is not None:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(trained)
        tokenizer.save_pretrained(folder)
    else:

        def corpus() -> Iterator[str]:
            yield from documents
            for task in TASKS.values():
                yield from (e.text for e in task.load("train", data_dir))
                yield from (
                    f"\n{task.question} {choice}" for choice in task.choices for _ in range(50)
                )
            yield from (
                r["question"] + "\n" + r["solution"]
                for r in read_jsonl(data_dir / "gsm8k" / "train.jsonl.gz")
            )

        tokenizer = build_tokenizer(args.name, corpus())
        tokenizer.save_pretrained(folder)
    bos = begin_ids(tokenizer)
    mixture = Mixture(MIXTURES[args.mixture], data_dir, tokenizer, documents)
    validation = {
        kind: QUESTION_SETS[kind].load("validation", data_dir)[:VALIDATION_ROWS]
        for kind in (TASKS if args.mixture == "tasks" else mixture.tasks | mixture.asked)
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
    stream = batches(mixture, args.seed, bos, int(tokenizer.pad_token_id))
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
    running = 0.0
    while progress["tokens"] < args.tokens:
        ids, weights = (tensor.to(device) for tensor in next(stream))
        rate = learning_rate(int(progress["step"]), int(progress["tokens"]), args.tokens, args.lr)
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
        progress["tokens"] += (
            int((weights > 0).sum()) + ids.shape[0] * 5
        )  # the question's weigh nothing
        progress["seconds"] = before + time.monotonic() - started
        running = 0.98 * running + 0.02 * float(loss.detach()) if running else float(loss.detach())
        done = progress["tokens"] >= args.tokens
        if int(progress["step"]) % 50 == 0:
            entry = {**progress, "loss": round(running, 4), "lr": rate}
            print(json.dumps(entry), file=log, flush=True)
        if done or time.monotonic() - saved > 60 * args.save_minutes:
            saved = time.monotonic()
            save_state(args.run_dir, model, optimizers, progress)
            with fast_autocast(device):
                entry = {
                    **progress,
                    "wiki_loss": round(wiki_loss(model, wiki_valid, bos, device), 4),
                    "validation_accuracy": answer_accuracy(model, tokenizer, validation),
                }
            print(json.dumps(entry), flush=True)
            print(json.dumps(entry), file=log, flush=True)
    model.save_pretrained(folder)


if __name__ == "__main__":
    main()
