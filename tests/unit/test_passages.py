"""Passages: drawn, cleaned and joined to the rows of tasks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import zstandard
from latentwire.errors import UsageError
from latentwire.training.data import UNLABELED, Rows
from latentwire.training.passages import load_passages

_SENTENCES = [
    "The film stars Robert De Niro ( who was also one of the film 's producers ) , and others .",
    "It was followed by a sequel , and the critics did n't like that at all .",
    "PLOT Section::::Plot .",
    "Short .",
    "A double bass is a transposing instrument and is typically notated one octave higher .",
]


@pytest.fixture
def wiki(tmp_path: Path) -> Path:
    """A data folder with five documents of a corpus."""
    (tmp_path / "wiki").mkdir()
    lines = [json.dumps({"text": f"{n} .\n" + "\n".join(_SENTENCES)}) for n in range(5)]
    packed = zstandard.ZstdCompressor().compress("\n".join(lines).encode())
    (tmp_path / "wiki" / "train.jsonl.zst").write_bytes(packed)
    return tmp_path


def test_passages_read_like_text(wiki: Path) -> None:
    passages = load_passages("wiki", wiki, 100, seed=1)
    assert passages
    assert any("(who was also one of the film's producers), and others." in p for p in passages)
    assert any("didn't like" in p for p in passages)
    assert all(40 <= len(p) <= 240 and "Section::" not in p for p in passages)
    assert load_passages("wiki", wiki, 100, seed=1) == passages
    assert load_passages("wiki", wiki, 100, seed=2) != passages
    assert load_passages("wiki", wiki, 3, seed=1) == passages[:3]


def test_unknown_or_missing_corpora_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="known: wiki"):
        load_passages("wikipedia", tmp_path, 1, seed=1)
    with pytest.raises(UsageError, match="does not exist"):
        load_passages("wiki", tmp_path, 1, seed=1)


def test_passages_follow_the_rows_of_tasks(sample_data_dir: Path) -> None:
    rows = Rows.load(["sst2", "trec"], "train", sample_data_dir)
    assert rows.blocks() == [range(len(rows.texts))]
    joined = rows.with_passages("wiki", ["one", "two"])
    end = len(rows.texts)
    assert joined.blocks() == [range(end), range(end, end + 2)]
    assert joined.texts[end:] == ["one", "two"]
    assert joined.labels[end:] == [UNLABELED, UNLABELED]
