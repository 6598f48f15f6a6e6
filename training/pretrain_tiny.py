"""Pretrain the two tiny frozen models that latentwire ships, from nothing, on one CPU core each.

    python training/pretrain_tiny.py tiny-llama --data-dir DATA --run-dir runs/tiny-llama
    python training/pretrain_tiny.py tiny-qwen  --data-dir DATA --run-dir runs/tiny-qwen

The models learn to read: the training splits of the tasks written as text, question and answer
(answer tokens weigh more), Wikipedia, grade-school mathematics and generated number sentences. The
run resumes from its folder exactly where its last checkpoint was; on a GPU it uses it. The data of
step n depend on the seed and n alone. Set before starting, for 15 to 40% more speed on glibc:

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=16000000000 MALLOC_TOP_PAD_=268435456
"""

from __future__ import annotations

import argparse
import io
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
import zstandard
from latentwire.frozen.forward import cache_argument
from latentwire.frozen.precision import fast_autocast
from latentwire.frozen.template import (
    answer_ids,
    begin_ids,
    question_ids,
    token_ids,
)
from latentwire.questions import GENERIC_QUESTION, REPEAT_QUESTION
from latentwire.tasks import TASKS
from latentwire.tasks.base import find_data_dir, read_jsonl
from latentwire.training.muon import Muon
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    DynamicCache,
    LlamaConfig,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
)

ANSWER_WEIGHT = 6.0  # loss weight of answer tokens against text tokens
MAX_TOKENS = 192  # longest training sequence
BATCH_TOKENS = 3072  # padded tokens in a step
POOL = 512  # examples drawn at once and batched by length
WARMUP_STEPS = 60
DECAY_SHARE = 0.35  # of the run, at its end, the learning rate falls linearly to zero

# Share of examples (not tokens) by source.
MIXTURE = {
    "wiki": 0.08,
    "sst2": 0.29,
    "ag_news": 0.18,
    "trec": 0.10,
    "banking77": 0.18,
    "numbers": 0.05,
    "gsm8k": 0.02,
    "arc_easy": 0.02,
    "boolq": 0.02,
    "repeat": 0.06,
}

# (sequence of (ids, loss weight) parts); the begin token is added by the batcher
Parts = list[tuple[list[int], float]]

_QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def build_tokenizer(name: str, corpus: Iterator[str]) -> PreTrainedTokenizerFast:
    """Train the byte-pair tokenizer of one of the two families; digits are single tokens."""
    if name == "tiny-llama":  # SentencePiece style: metaspace with byte fallback
        tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))  # noqa: S106
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Metaspace(prepend_scheme="always", split=True),
                pre_tokenizers.Split(Regex(r"\p{N}|\n"), "isolated"),
            ]
        )
        tokenizer.decoder = decoders.Sequence(
            [
                decoders.Replace("\u2581", " "),
                decoders.ByteFallback(),
                decoders.Fuse(),
                decoders.Strip(" ", 1, 0),
            ]
        )
        special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
        vocab, bos, eos, extra = 4096, "<s>", "</s>", {"unk_token": "<unk>"}
        alphabet: list[str] = []
    else:  # byte level with the Qwen2 pattern
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_QWEN_PATTERN), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        tokenizer.decoder = decoders.ByteLevel()
        special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        vocab, bos, eos, extra = 8192, "<|im_start|>", "<|im_end|>", {}
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=special,
        initial_alphabet=alphabet,
        limit_alphabet=400,
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=bos,
        eos_token=eos,
        pad_token=eos,
        clean_up_tokenization_spaces=False,
        **extra,
    )


def build_config(name: str, tokenizer: PreTrainedTokenizerFast) -> PretrainedConfig:
    """Geometry of the two families: other widths, depths, head counts and rotary bases."""
    shared = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
    }
    if name == "tiny-llama":
        return LlamaConfig(
            hidden_size=192,
            num_hidden_layers=6,
            num_attention_heads=6,
            num_key_value_heads=2,
            intermediate_size=512,
            rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
            **shared,
        )
    return Qwen2Config(
        hidden_size=224,
        num_hidden_layers=4,
        num_attention_heads=7,
        num_key_value_heads=1,
        intermediate_size=608,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        **shared,
    )


def read_wiki(path: Path, max_documents: int) -> list[str]:
    """First documents of a ``.jsonl.zst`` file."""
    documents = []
    with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            documents.append(json.loads(line)["text"])
            if len(documents) == max_documents:
                break
    return documents


class Mixture:
    """Draws examples of the mixture as token-id parts; everything is tokenized once."""

    def __init__(self, data_dir: Path, tokenizer: PreTrainedTokenizerFast, documents: list[str]):
        self.tokenizer = tokenizer
        self.tasks = {
            name: [
                (ids, example.label)
                for ids, example in zip(self._batch([e.text for e in rows]), rows, strict=True)
            ]
            for name, task in TASKS.items()
            for rows in [task.load("train", data_dir)]
        }
        self.questions = {
            name: [question_ids(tokenizer, q) for q in (task.question, GENERIC_QUESTION)]
            for name, task in TASKS.items()
        }
        self.answers = {
            name: [answer_ids(tokenizer, choice) for choice in task.choices]
            for name, task in TASKS.items()
        }
        self.repeat = question_ids(tokenizer, REPEAT_QUESTION)
        self.numbers = question_ids(tokenizer, "Numbers:")
        self.wiki = self._batch(documents)
        self.other = {
            name: list(read_jsonl(data_dir / name / "train.jsonl.gz"))
            for name in ("gsm8k", "arc_easy", "boolq")
        }
        self.names = list(MIXTURE)
        self.weights = list(MIXTURE.values())

    def _batch(self, texts: list[str]) -> list[list[int]]:
        return [
            encoding.ids
            for encoding in self.tokenizer.backend_tokenizer.encode_batch(
                texts, add_special_tokens=False
            )
        ]

    def draw(self, rng: random.Random) -> Parts:
        """One example of the mixture as (ids, loss weight) parts."""
        source = rng.choices(self.names, self.weights)[0]
        if source in self.tasks:
            return self._task(source, rng)
        if source == "wiki":
            ids = rng.choice(self.wiki)
            start = rng.randrange(max(1, len(ids) - MAX_TOKENS))
            return [(ids[start : start + rng.randint(32, MAX_TOKENS)], 1.0)]
        if source == "repeat":
            name = rng.choice(list(self.tasks))
            ids = rng.choice(self.tasks[name])[0][:64]
            end = [int(self.tokenizer.eos_token_id)] if len(ids) <= 32 else []
            return [(ids, 1.0), (self.repeat, 0.0), (ids[:32] + end, 1.0)]
        if source == "numbers":
            return self._numbers(rng)
        row = rng.choice(self.other[source])
        if source == "gsm8k":
            return self._qa(
                row["question"], None, row["solution"].replace("<<", "[").replace(">>", "]"), 1.0
            )
        if source == "arc_easy":
            options = ", ".join(row["choices"])
            return self._qa(
                f"{row['question']} Options: {options}", None, row["choices"][row["answer"]]
            )
        passage = " ".join(row["passage"].split()[:90])
        return self._qa(passage, row["question"] + "?", "yes" if row["answer"] else "no")

    def _task(self, name: str, rng: random.Random) -> Parts:
        rows = self.tasks[name]
        ids, label = rng.choice(rows)
        if name == "sst2":  # most rows are phrases: lean towards the sentences that they come from
            other = rng.choice(rows)
            if len(other[0]) > len(ids):
                ids, label = other
        question = self.questions[name][int(rng.random() < 0.2)]
        return [(ids, 1.0), (question, 0.0), (self.answers[name][label], ANSWER_WEIGHT)]

    def _qa(
        self, text: str, question: str | None, answer: str, weight: float = ANSWER_WEIGHT
    ) -> Parts:
        return [
            (token_ids(self.tokenizer, text), 1.0),
            (question_ids(self.tokenizer, question), 0.0),
            (answer_ids(self.tokenizer, answer), weight),
        ]

    def _numbers(self, rng: random.Random) -> Parts:
        """A generated sentence about quantities and the quantities in order."""
        who = rng.choice(["Janet", "Tom", "Maria", "Ahmed", "Li", "Sam", "Olga", "Ravi"])
        thing = rng.choice(["ducks", "books", "coins", "apples", "cards", "shells", "pens", "eggs"])
        values = [rng.randrange(10 ** rng.randint(1, 3)) for _ in range(rng.randint(2, 3))]
        verbs = rng.sample(
            ["sells", "buys", "finds", "loses", "gives away", "counts"], len(values) - 1
        )
        text = f"{who} has {values[0]} {thing}."
        for verb, value in zip(verbs, values[1:], strict=True):
            text += f" {'She' if who in ('Janet', 'Maria', 'Li', 'Olga') else 'He'} {verb} {value}."
        return [
            (token_ids(self.tokenizer, text), 0.3),
            (self.numbers, 0.0),
            (answer_ids(self.tokenizer, " ".join(map(str, values))), 2.0),
        ]


def batches(
    mixture: Mixture, seed: int, bos: list[int], pad: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless (ids, weights) batches [B, T]; weights are of the prediction of each id.

    Rows of a pool are sorted by length, so little is padding. Padding is on the right under causal
    attention: no real position sees it, and its weight is zero.
    """
    pool_index = 0
    while True:
        rng = random.Random(f"{seed}-{pool_index}")
        pool_index += 1
        rows = []
        for _ in range(POOL):
            ids, weights = list(bos), [0.0] * len(bos)
            parts = mixture.draw(rng)
            excess = sum(len(part) for part, _ in parts) + len(bos) - MAX_TOKENS
            for number, (part, weight) in enumerate(parts):
                kept = part[: max(8, len(part) - excess)] if number == 0 and excess > 0 else part
                ids += kept
                weights += [weight] * len(kept)
            rows.append((ids[: MAX_TOKENS + 64], weights[: MAX_TOKENS + 64]))
        rows.sort(key=lambda row: len(row[0]))
        pool: list[tuple[torch.Tensor, torch.Tensor]] = []
        while rows:
            width = len(rows[-1][0])
            count = max(1, BATCH_TOKENS // width)
            taken = [rows.pop() for _ in range(min(count, len(rows)))]
            width = len(taken[0][0])
            pool.append(
                (
                    torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in taken]),
                    torch.tensor([w + [0.0] * (width - len(w)) for _, w in taken]),
                )
            )
        rng.shuffle(pool)
        yield from pool


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


@torch.inference_mode()
def task_accuracy(
    model: torch.nn.Module,
    mixture: Mixture,
    validation: dict[str, list[tuple[list[int], int]]],
    bos: list[int],
    device: torch.device,
) -> dict[str, float]:
    """Validation accuracy by the first answer token that differs: quick, for the log only."""
    model.eval()
    result = {}
    for name, rows in validation.items():
        answers = mixture.answers[name]
        correct = 0
        for ids, label in rows:
            prompt = bos + ids[: MAX_TOKENS - 16] + mixture.questions[name][0]
            cache = {cache_argument(model): DynamicCache(config=model.config)}
            output = model(input_ids=torch.tensor([prompt], device=device), use_cache=True, **cache)
            # Greedy walk down the trie of answers.
            alive, depth, logits = list(range(len(answers))), 0, output.logits[0, -1]
            while len(alive) > 1:
                tokens = sorted({answers[i][depth] for i in alive})
                token = max(tokens, key=lambda t: float(logits[t]))
                alive = [i for i in alive if answers[i][depth] == token]
                depth += 1
                if len(alive) > 1:
                    output = model(
                        input_ids=torch.tensor([[token]], device=device),
                        use_cache=True,
                        **cache,
                    )
                    logits = output.logits[0, -1]
            correct += alive[0] == label
        result[name] = round(100 * correct / len(rows), 1)
    model.train()
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

    if (folder / "tokenizer.json").is_file():
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
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
    mixture = Mixture(data_dir, tokenizer, documents)
    validation = {
        name: [
            (token_ids(tokenizer, e.text), e.label) for e in task.load("validation", data_dir)[:200]
        ]
        for name, task in TASKS.items()
    }
    wiki_valid = [
        token_ids(tokenizer, text[:2000])[:MAX_TOKENS]
        for text in read_wiki(data_dir / "wiki" / "valid.jsonl.zst", 60)
    ]

    model = AutoModelForCausalLM.from_config(
        build_config(args.name, tokenizer), attn_implementation="sdpa"
    )
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
                    "validation_accuracy": task_accuracy(model, mixture, validation, bos, device),
                }
            print(json.dumps(entry), flush=True)
            print(json.dumps(entry), file=log, flush=True)
    model.save_pretrained(folder)


if __name__ == "__main__":
    main()
