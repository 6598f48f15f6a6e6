"""What the tiny models read in pretraining: texts, questions and answers from many sources."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Mapping
from pathlib import Path

import zstandard
from latentwire.frozen.template import answer_ids, question_ids, token_ids
from latentwire.questions import GENERIC_QUESTION, REPEAT_QUESTION
from latentwire.tasks import TASKS
from latentwire.tasks.asked import QUESTION_SETS, Asked, ContrastQuestions, StoryQuestions
from latentwire.tasks.base import read_jsonl
from latentwire.training.passages import load_passages
from latentwire.training.question_data import ask
from transformers import PreTrainedTokenizerFast

ANSWER_WEIGHT = 6.0  # loss weight of answer tokens against text tokens
MAX_TOKENS = 192  # longest text of an example

# Share of examples (not tokens) by source, in proportion: tasks, question sets and texts.
MIXTURES: dict[str, dict[str, float]] = {
    "tasks": {
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
    },
    # Continues the one above: the same texts are asked many things.
    "questions": {
        "wiki": 0.05,
        "sst2": 0.16,
        "ag_news": 0.10,
        "trec": 0.06,
        "banking77": 0.10,
        "numbers": 0.02,
        "gsm8k": 0.01,
        "arc_easy": 0.01,
        "boolq": 0.02,
        "repeat": 0.05,
        "occurring_name": 0.06,
        "occurring_number": 0.03,
        "occurring_word": 0.08,
        "how_many": 0.03,
        "who_did": 0.03,
        "masked_word": 0.04,
        "story_quantity": 0.07,
        "story_who_has": 0.04,
        "story_who_did": 0.03,
        "story_what": 0.03,
        "story_one_step": 0.06,
        "story_two_steps": 0.04,
    },
}
STORY_QUESTIONS = 40_000  # of each kind
CONTRAST_SEEDS = 3  # other seeds ask the texts other questions
WIKI_PASSAGES = 20_000  # asked contrast questions too, since tasks have few texts of the rare kinds

# (sequence of (ids, loss weight) parts); the begin token is added by the batcher
Parts = list[tuple[list[int], float]]


def read_wiki(path: Path, max_documents: int) -> list[str]:
    """First documents of a ``.jsonl.zst`` file."""
    documents = []
    with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            documents.append(json.loads(line)["text"])
            if len(documents) == max_documents:
                break
    return documents


def load_asked(kind: str, data_dir: Path, passages: list[str]) -> list[Asked]:
    """Questions of one kind about training texts and, where the kind is asked of any, passages."""
    questions = QUESTION_SETS[kind]
    seeds = CONTRAST_SEEDS if isinstance(questions, ContrastQuestions) else 1
    limit = STORY_QUESTIONS if isinstance(questions, StoryQuestions) else None
    return [
        asked
        for seed in range(seeds)
        for asked in ask(kind, data_dir, [passages], limit=limit, seed=seed)
    ]


class Mixture:
    """Draws examples of the mixture as token-id parts; everything is tokenized once."""

    def __init__(
        self,
        shares: Mapping[str, float],
        data_dir: Path,
        tokenizer: PreTrainedTokenizerFast,
        documents: list[str],
    ) -> None:
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
        kinds = [
            name
            for name in shares
            if name in QUESTION_SETS and name not in self.tasks and name not in self.other
        ]
        passages = load_passages("wiki", data_dir, WIKI_PASSAGES, 0) if kinds else []
        self.asked = {kind: load_asked(kind, data_dir, passages) for kind in kinds}
        self.names = list(shares)
        self.weights = list(shares.values())

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
        if source in self.asked:
            asked = rng.choice(self.asked[source])
            return self._qa(asked.text, asked.question, asked.answer)
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
