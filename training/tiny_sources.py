"""The texts and questions that tiny models read in pretraining, gathered once into one file.

Drawing questions from texts takes minutes and is the same for every model; tokenizing does not and
is not. The file is what a machine without the data folder's large corpora needs to pretrain.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard
from latentwire.tasks import TASKS
from latentwire.tasks.asked import QUESTION_SETS, Asked, ContrastQuestions, StoryQuestions
from latentwire.tasks.base import read_jsonl
from latentwire.training.passages import load_passages
from latentwire.training.question_data import ask

WIKI = "wiki"
OTHER = ("gsm8k", "arc_easy", "boolq")
WIKI_DOCUMENTS = 3_300  # of running text; about 19 million tokens
STORY_QUESTIONS = 60_000  # of each kind
CONTRAST_SEEDS = 3  # other seeds ask the texts other questions
WIKI_PASSAGES = 50_000  # asked contrast questions too, since tasks have few texts of the rare kinds
PASSAGE_WORDS = 90  # of a BoolQ passage


@dataclass(frozen=True, slots=True)
class Row:
    """A text, and what it is asked; running text is asked nothing.

    Attributes:
        source: What it counts as in a mixture.
        text: The text.
        question: None for running text, empty for the generic question.
        answer: The answer.
    """

    source: str
    text: str
    question: str | None = None
    answer: str = ""


def read_wiki(path: Path, max_documents: int) -> list[str]:
    """First documents of a ``.jsonl.zst`` file."""
    return [row["text"] for row in itertools.islice(read_jsonl(path), max_documents)]


def gather(sources: Collection[str], data_dir: Path) -> Iterator[Row]:
    """Every row of the sources that are not made as they are drawn."""
    if WIKI in sources:
        for document in read_wiki(data_dir / "wiki" / "train.jsonl.zst", WIKI_DOCUMENTS):
            yield Row(WIKI, document)
    for name, task in TASKS.items():
        if name in sources:
            for example in task.load("train", data_dir):
                yield Row(name, example.text, task.question, task.choices[example.label])
    for name in OTHER:
        if name in sources:
            yield from map(_other[name], read_jsonl(data_dir / name / "train.jsonl.gz"))
    kinds = [name for name in sources if name in QUESTION_SETS and name not in {*TASKS, *OTHER}]
    passages = load_passages("wiki", data_dir, WIKI_PASSAGES, 0) if kinds else []
    for kind in kinds:
        for asked in load_asked(kind, data_dir, passages):
            yield Row(kind, asked.text, asked.question, asked.answer)


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


def gathered(path: Path, sources: Collection[str], data_dir: Path) -> list[Row]:
    """The rows of a file that an earlier run wrote, or gathered now and written there.

    Raises:
        SystemExit: If the file lacks a source that is wanted.
    """
    if not path.is_file():
        rows = list(gather(sources, data_dir))
        write_rows(path, rows)
        return rows
    rows = read_rows(path)
    missing = set(sources) - {row.source for row in rows}
    if missing:
        raise SystemExit(f"{path} has no rows of {', '.join(sorted(missing))}: remove it")
    return [row for row in rows if row.source in sources]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as lines of JSON; of a text that was there before, its number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    numbers: dict[str, int] = {}
    with zstandard.open(partial, "wt", zstandard.ZstdCompressor(12), encoding="utf-8") as file:
        for row in rows:
            text: str | int = numbers.get(row.text, row.text)
            numbers.setdefault(row.text, len(numbers))
            line = [row.source, text, row.question, row.answer]
            print(json.dumps(line, ensure_ascii=False), file=file)
    partial.replace(path)


def read_rows(path: Path) -> list[Row]:
    """Inverse of ``write_rows``."""
    rows, texts = [], []
    for source, text, question, answer in read_jsonl(path):
        if isinstance(text, str):
            texts.append(text)
        rows.append(Row(source, text if isinstance(text, str) else texts[text], question, answer))
    return rows


def _gsm8k(row: dict[str, str]) -> Row:
    return Row("gsm8k", row["question"], "", row["solution"].replace("<<", "[").replace(">>", "]"))


def _arc_easy(row: dict[str, object]) -> Row:
    choices: list[str] = row["choices"]  # type: ignore[assignment]
    text = f"{row['question']} Options: {', '.join(choices)}"
    return Row("arc_easy", text, "", choices[row["answer"]])  # type: ignore[index]


def _boolq(row: dict[str, str]) -> Row:
    passage = " ".join(row["passage"].split()[:PASSAGE_WORDS])
    return Row("boolq", passage, row["question"] + "?", "yes" if row["answer"] else "no")


_other = {"gsm8k": _gsm8k, "arc_easy": _arc_easy, "boolq": _boolq}
