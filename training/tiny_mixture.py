"""What the tiny models read in pretraining: texts, questions and answers, drawn from many sources.

Everything is tokenized once, all texts together, and kept in flat arrays: a step of a GPU takes a
few thousandths of a second, in which its rows have to be drawn.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from latentwire.frozen.template import answer_ids, question_ids, token_ids
from latentwire.questions import GENERIC_QUESTION
from latentwire.tasks import TASKS
from tiny_sources import WIKI, Row
from transformers import PreTrainedTokenizerFast

ANSWER_WEIGHT = 6.0  # loss weight of answer tokens against text tokens
WEIGHTS = {"gsm8k": 1.0, "repeat": 1.0}  # where answers are whole texts
MAX_TOKENS = 192  # longest text of an example
GENERIC_SHARE = 0.2  # of the questions of a task are the one that does not say what it asks for

# Share of examples (not tokens) by source, in proportion. Few texts have names that did something
# or countable things: their kinds are drawn less often, so that no text is read a hundred times.
SHARES: dict[str, float] = {
    WIKI: 0.12,
    "sst2": 0.10,
    "ag_news": 0.045,
    "trec": 0.025,
    "banking77": 0.05,
    "gsm8k": 0.01,
    "arc_easy": 0.004,
    "boolq": 0.01,
    "repeat": 0.08,
    "numbers": 0.04,
    "occurring_name": 0.08,
    "occurring_number": 0.04,
    "occurring_word": 0.12,
    "how_many": 0.02,
    "who_did": 0.02,
    "masked_word": 0.07,
    "story_quantity": 0.07,
    "story_who_has": 0.05,
    "story_who_did": 0.04,
    "story_what": 0.04,
    "story_one_step": 0.07,
    "story_two_steps": 0.05,
}
MADE = ("numbers",)  # as they are drawn

# (sequence of (ids, loss weight) parts); the begin token is added by the batcher
Parts = list[tuple[list[int], float]]


class Table:
    """Many lists of token ids, one after another in one array."""

    def __init__(self, lists: Sequence[Sequence[int]]) -> None:
        self.ends = np.cumsum([len(ids) for ids in lists])
        self.ids = np.concatenate([np.asarray(ids, dtype=np.int32) for ids in lists])

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> list[int]:
        start = int(self.ends[index - 1]) if index else 0
        ids: list[int] = self.ids[start : int(self.ends[index])].tolist()
        return ids


class Mixture:
    """Draws examples of the mixture as token-id parts.

    Args:
        shares: Share of examples by source.
        rows: The rows of every source that is not made as it is drawn.
        tokenizer: The model's.
    """

    def __init__(
        self, shares: Mapping[str, float], rows: Sequence[Row], tokenizer: PreTrainedTokenizerFast
    ) -> None:
        self.tokenizer = tokenizer
        self.names, self.weights = list(shares), list(shares.values())
        texts = {text: at for at, text in enumerate(dict.fromkeys(row.text for row in rows))}
        # The three parts are tokenized apart, as in use: see ``latentwire.frozen.template``.
        asked = {q: at for at, q in enumerate(dict.fromkeys(_asked(row) for row in rows))}
        answers = {a: at for at, a in enumerate(dict.fromkeys(row.answer for row in rows))}
        self.texts = Table(self._batch(list(texts)))
        self.questions = Table(self._batch(["\n" + question for question in asked]))
        self.answers = Table(self._batch([" " + answer for answer in answers]))
        self.end = int(tokenizer.eos_token_id)
        self.generic = question_ids(tokenizer, GENERIC_QUESTION)
        self.numbers = question_ids(tokenizer, "Numbers:")
        triples: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for row in rows:
            triples[row.source].append((texts[row.text], asked[_asked(row)], answers[row.answer]))
        self.rows = {name: np.array(found, dtype=np.int32) for name, found in triples.items()}

    def _batch(self, texts: list[str]) -> list[list[int]]:
        encoded = self.tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)
        return [encoding.ids for encoding in encoded]

    def draw(self, rng: random.Random) -> Parts:
        """One example of the mixture as (ids, loss weight) parts."""
        source = rng.choices(self.names, self.weights)[0]
        if source == WIKI:
            ids = self.texts[self._row(WIKI, rng)[0]]
            start = rng.randrange(max(1, len(ids) - MAX_TOKENS))
            return [(ids[start : start + rng.randint(32, MAX_TOKENS)], 1.0)]
        if source == "numbers":
            return self._numbers(rng)
        text, question, answer = self._row(source, rng)
        ids = self.texts[text]
        if source == "sst2":  # most rows are phrases: lean towards the sentences they come from
            other = self._row(source, rng)
            if len(found := self.texts[other[0]]) > len(ids):
                ids, answer = found, other[2]
        is_generic = source in TASKS and rng.random() < GENERIC_SHARE
        return [
            (ids, 1.0),
            (self.generic if is_generic else self.questions[question], 0.0),
            ([*self.answers[answer], self.end], WEIGHTS.get(source, ANSWER_WEIGHT)),
        ]

    def _row(self, source: str, rng: random.Random) -> tuple[int, int, int]:
        rows = self.rows[source]
        text, question, answer = rows[rng.randrange(len(rows))].tolist()
        return text, question, answer

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


def _asked(row: Row) -> str:
    return row.question or GENERIC_QUESTION
