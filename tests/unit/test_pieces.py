"""Which tokens of a receiver say what a piece of the sender's text says."""

from __future__ import annotations

import pytest
import torch
from latentwire.frozen import FrozenModel
from latentwire.models.segments import piece_of
from latentwire.training.pieces import Pieces
from random_models import random_frozen
from tokenizers import processors


@pytest.fixture(scope="module", params=["llama", "bert"])
def frozen(request: pytest.FixtureRequest) -> FrozenModel:
    frozen = random_frozen(request.param)
    if not frozen.is_causal:  # as encoders have: special tokens around the text
        frozen.tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
        )
    return frozen


TEXTS = ["a film of 7 cards", "the card é ü 語 .", "x"]


def test_spans_are_those_of_the_ids_that_are_read(frozen: FrozenModel) -> None:
    ids, spans = frozen.ids_read(TEXTS), frozen.spans_read(TEXTS)
    assert [len(row) for row in ids] == [len(row) for row in spans]
    for text, row, own in zip(TEXTS, ids, spans, strict=True):
        special = set(frozen.tokenizer.all_special_ids)
        covered = set()
        for token, (start, end) in zip(row, own, strict=True):
            assert (end > start) == (token not in special)
            covered |= set(range(start, end))
        assert {at for at, letter in enumerate(text) if letter != " "} <= covered


def test_a_text_that_is_cut_has_the_spans_of_what_is_left(frozen: FrozenModel) -> None:
    long = "card " * (frozen.text_room + 50)
    (ids,), (spans,) = frozen.ids_read([long]), frozen.spans_read([long])
    assert len(ids) == len(spans)
    assert max(end for _, end in spans) < len(long) - 6
    assert (ids[-1] in frozen.tokenizer.all_special_ids) == (not frozen.is_causal)


def test_a_model_that_reads_itself_finds_each_token_in_its_own_piece(frozen: FrozenModel) -> None:
    _, mask = frozen.pad(frozen.ids_read(TEXTS))
    pieces = piece_of(mask, 6)
    spans = frozen.spans_read(TEXTS)
    found = Pieces(spans, pieces, mask).of_tokens(spans)
    for row, own in enumerate(spans):
        for at, (start, end) in enumerate(own):
            expected = int(pieces[row, at]) if end > start else -1
            # Letters of several bytes are several tokens with one span: any of them will do.
            twins = {int(pieces[row, i]) for i, span in enumerate(own) if span == (start, end)}
            assert found[row][at] in (twins if end > start else {expected})


def test_tokens_go_to_the_piece_in_which_they_end() -> None:
    # "ab" | "cdef" | "gh", of which the encoder does not see the last.
    spans = [[(0, 0), (0, 2), (2, 6), (6, 8)]]
    mask = torch.tensor([[True, True, True, False]])
    pieces = Pieces(spans, torch.tensor([[0, 1, 2, 0]]), mask)
    tokens = [[(0, 0), (0, 1), (1, 2), (0, 3), (2, 4), (4, 6), (4, 8)]]
    assert [row.tolist() for row in pieces.of_tokens(tokens)] == [[-1, 1, 1, 2, 2, 2, -1]]
    unseen = Pieces(spans, torch.zeros(1, 4, dtype=torch.long), ~mask)
    assert [row.tolist() for row in unseen.of_tokens([[(0, 2), (6, 8)]])] == [[-1, 0]]
    blind = Pieces(spans, torch.zeros(1, 4, dtype=torch.long), mask & False)
    assert [row.tolist() for row in blind.of_tokens(tokens)] == [[-1] * 7]
