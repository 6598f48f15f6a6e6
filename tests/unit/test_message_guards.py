"""Guards: what a receiver answers came through the message, and no label is seen before scoring.

Each is tried on a system without it, which must be noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from latentwire.evaluation.predictions import answer_packets, answer_texts, encode_rows
from latentwire.evaluation.rows import SplitRows
from latentwire.frozen import ChoiceTree, FrozenModel
from latentwire.frozen.scoring import choice_scores
from latentwire.frozen.template import answer_ids, question_ids
from latentwire.models import (
    Adapter,
    AdapterConfig,
)
from latentwire.models.quantizer import through_the_wire
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.training import validation as validation_module
from latentwire.training.data import Rows
from latentwire.training.features import StateInputs
from latentwire.training.objectives import label_likelihood
from latentwire.training.validation import Validation
from random_models import RandomModel, random_frozen, small_encoder
from torch import Tensor

WIDTH = 16  # d_z
CHOICES = ("no", "yes")
TEXTS = ["a dull film", "the card", "7 ducks", "how many ?", "who won it", "a pin", "rain", "so"]
LABELS = [0, 1, 0, 1, 0, 1, 0, 1]  # whose message comes from the row before has the wrong label


class TinyPair:
    """A frozen pair with an encoder and an adapter that learn eight rows by heart.

    Args:
        leaks: Whether the question gives the answer away, so that nothing has to cross.
    """

    def __init__(self, *, leaks: bool) -> None:
        torch.manual_seed(1)
        sender, self.receiver = random_frozen("llama"), random_frozen("qwen2", seed=2)
        self.encoder = small_encoder(sender, TEXTS, WIDTH)
        states, self.mask = sender.hidden_states(TEXTS, 1)
        self.states = states.clone()
        self.adapter = Adapter(
            AdapterConfig(hidden_size=self.receiver.hidden_size, latent_width=WIDTH)
        )
        self.adapter.colorizer.fit(*self.receiver.embedding_statistics())
        self.questions = [f"{CHOICES[label]}:" if leaks else "Is it?" for label in LABELS]

    def train(self, steps: int) -> None:
        tokenizer = self.receiver.tokenizer
        questions = [question_ids(tokenizer, question) for question in self.questions]
        answers = [answer_ids(tokenizer, CHOICES[label]) for label in LABELS]
        modules = (self.encoder, self.adapter)
        optimizer = torch.optim.Adam([p for m in modules for p in m.parameters()], lr=1e-2)
        for _ in range(steps):
            loss = label_likelihood(self.receiver, self.messages(), questions, answers)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def messages(self) -> Tensor:
        latents = self.encoder(self.states, self.mask)
        read: Tensor = self.adapter(through_the_wire(latents, "int8"))
        return read

    @torch.no_grad()
    def accuracy(self, given: Sequence[int]) -> float:
        """Share of right answers where row i is answered from the message of row ``given[i]``."""
        messages = self.messages()[list(given)]
        right = 0
        for row, question in enumerate(self.questions):
            tree = ChoiceTree.build(self.receiver, question, CHOICES)
            scores = choice_scores(self.receiver, messages[row : row + 1], None, tree)
            right += int(scores.argmax()) == LABELS[row]
        return right / len(LABELS)


OWN = list(range(8))
BEFORE = [7, *range(7)]


def test_another_examples_message_destroys_the_accuracy() -> None:
    pair = TinyPair(leaks=False)
    pair.train(60)
    assert pair.accuracy(OWN) == 1
    assert pair.accuracy(BEFORE) == 0  # the answer of the row whose message it is
    assert pair.accuracy([0] * 8) == 0.5


def test_an_answer_that_does_not_come_through_the_message_would_be_noticed() -> None:
    pair = TinyPair(leaks=True)
    pair.train(60)
    assert pair.accuracy(OWN) == 1
    assert pair.accuracy(BEFORE) > 0


# -- evaluation never sees labels ------------------------------------------------------------------


def shares_of_answers(validation: Validation, pair: TinyPair) -> list[float]:
    """Accuracy if every right answer were the first, the second, ..."""
    found = []
    for label in range(2):
        rows = replace(validation.rows, labels=[label] * len(TEXTS))
        measured = replace(validation, rows=rows).measure(
            pair.encoder, {"r": pair.adapter}, {"r": pair.receiver}
        )
        found.append(measured["r"]["sst2"]["accuracy"])
    return found


def test_validation_never_sees_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row has one answer whatever its label: shares of the answers add up to all rows."""
    pair = TinyPair(leaks=False)
    rows = Rows(TEXTS, LABELS, {"sst2": range(len(TEXTS))})
    validation = Validation(rows, StateInputs(random_frozen("llama"), 1, TEXTS), "int8")
    assert sum(shares_of_answers(validation, pair)) == pytest.approx(100)

    def peeks(frozen: FrozenModel, prefix: Tensor, mask: None, tree: ChoiceTree) -> Tensor:
        scores = choice_scores(frozen, prefix, mask, tree)
        scores[:, labels[0]] += 100
        return scores

    labels: list[int] = []

    def measured_with(rows_seen: list[int]) -> float:
        labels[:] = rows_seen
        seen = replace(validation, rows=replace(rows, labels=rows_seen))
        found = seen.measure(pair.encoder, {"r": pair.adapter}, {"r": pair.receiver})
        return found["r"]["sst2"]["accuracy"]

    monkeypatch.setattr(validation_module, "choice_scores", peeks)
    assert sum(measured_with([label] * len(TEXTS)) for label in range(2)) == 200


@pytest.mark.parametrize("path", ["text", "message"])
def test_evaluation_never_sees_labels(
    path: str, random_llama: RandomModel, random_qwen: RandomModel, sample_data_dir: Path
) -> None:
    """The answers of a split are the same, bit for bit, with all its labels changed."""
    rows = SplitRows.load("trec", sample_data_dir, 12)
    others = replace(rows, labels=(rows.labels + 1) % 6)
    assert (others.labels != rows.labels).all()
    receiver = Receiver.from_pretrained(random_qwen.model, adapter=random_qwen.adapter)
    sender = Sender.from_pretrained(random_llama.model, encoder=random_llama.encoder)

    def texts(split: SplitRows) -> np.ndarray:
        return answer_texts(receiver, split, ignore).log_probabilities

    def messages(split: SplitRows) -> np.ndarray:
        packets = encode_rows(sender, split, ignore)
        return answer_packets(receiver, packets, split, ignore).log_probabilities

    ignore: Callable[[int], None] = lambda _: None  # noqa: E731
    answer = texts if path == "text" else messages
    np.testing.assert_array_equal(answer(rows), answer(others))
