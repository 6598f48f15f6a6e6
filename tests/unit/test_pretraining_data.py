"""Pretraining of tiny models: rows kept in a file, batches that do not depend on who makes them."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest
import torch
from latentwire.catalog import locate_model
from latentwire.frozen.template import begin_ids
from transformers import PreTrainedTokenizerFast

TRAINING = Path(__file__).parents[2] / "training"


@pytest.fixture(autouse=True)
def _scripts_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TRAINING))
    for name in ("tiny_sources", "tiny_mixture", "tiny_batches"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def _rows():
    from tiny_sources import Row

    return [
        Row("wiki", "The river rises in the hills and runs to the sea. " * 40),
        Row("sst2", "a gorgeous film", "Sentiment:", "positive"),
        Row("sst2", "a film of great length and no end", "Sentiment:", "negative"),
        Row("repeat", "a gorgeous film", "Repeat:", "a gorgeous film"),
        Row("story_quantity", "Tom has 74 ducks.", "How many ducks does Tom have?", "74"),
    ]


def test_rows_are_read_as_they_were_written(tmp_path):
    from tiny_sources import read_rows, write_rows

    path = tmp_path / "rows.jsonl.zst"
    write_rows(path, _rows())
    assert read_rows(path) == _rows()


def test_a_file_without_a_source_that_is_wanted_is_refused(tmp_path):
    from tiny_sources import gathered, write_rows

    path = tmp_path / "rows.jsonl.zst"
    write_rows(path, _rows())
    assert {row.source for row in gathered(path, ["wiki", "sst2"], tmp_path)} == {"wiki", "sst2"}
    with pytest.raises(SystemExit, match="no rows of trec"):
        gathered(path, ["wiki", "trec"], tmp_path)


@pytest.fixture
def tokenizer():
    return PreTrainedTokenizerFast.from_pretrained(locate_model("tiny-llama"))


def _pools(tokenizer, seed=3):
    from tiny_batches import Pools
    from tiny_mixture import Mixture

    shares = {"wiki": 0.2, "sst2": 0.3, "repeat": 0.2, "story_quantity": 0.2, "numbers": 0.1}
    mixture = Mixture(shares, _rows(), tokenizer)
    return Pools(mixture, seed, begin_ids(tokenizer), int(tokenizer.pad_token_id), 600)


def test_batches_are_the_same_whoever_makes_them(tokenizer):
    from tiny_batches import batches

    pools = _pools(tokenizer)
    alone, shared = (list(itertools.islice(batches(pools, n), 40)) for n in (0, 2))
    for one, other in zip(alone, shared, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    others = list(itertools.islice(batches(_pools(tokenizer, seed=4), 0), 40))
    assert any(a[0].shape != b[0].shape for a, b in zip(alone, others, strict=True))


def test_questions_and_padding_weigh_nothing_and_answers_most(tokenizer):
    from tiny_batches import batches
    from tiny_mixture import ANSWER_WEIGHT

    seen = set()
    for ids, weights in itertools.islice(batches(_pools(tokenizer), 0), 20):
        assert ids.shape == weights.shape
        assert ids.numel() <= 600
        assert (weights[:, 0] == 0).all()  # the begin token is not predicted
        for row, weight in zip(ids, weights, strict=True):
            asked = row[(weight == 0)].tolist()
            answer = tokenizer.decode(row[weight == ANSWER_WEIGHT], skip_special_tokens=True)
            seen.add(answer)
            if answer == "74":
                assert "How many ducks" in tokenizer.decode(asked)
    assert {"positive", "negative", "74"} <= seen
