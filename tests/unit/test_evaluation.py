"""Statistics of figures, against references."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from latentwire.errors import UsageError
from latentwire.evaluation import run_evaluation
from latentwire.evaluation.predictions import Predictions
from latentwire.evaluation.rows import SplitRows
from latentwire.evaluation.statistics import Accuracy, Difference
from latentwire.tasks import TASKS


def test_wilson_interval_is_that_of_the_textbook() -> None:
    right = np.array([True] * 81 + [False] * 182)
    found = Accuracy.of(right)  # Newcombe 1998, table I: 81 of 263
    assert (found.percent, found.num_rows) == (30.8, 263)
    assert (found.low, found.high) == pytest.approx((25.53, 36.62), abs=0.01)
    assert Accuracy.of(np.ones(10, bool)).high == pytest.approx(100)


def test_paired_difference_covers_the_truth_and_knows_no_difference() -> None:
    generator = np.random.default_rng(0)
    first = generator.random(2000) < 0.85
    worse = first & (generator.random(2000) < 0.95)
    found = Difference.of(first, worse)
    assert found.points == round(100 * (first.mean() - worse.mean()), 2)
    assert 0 < found.low < found.points < found.high
    assert Difference.of(first, first) == Difference(0.0, 0.0, 0.0)
    # The bootstrap agrees with the normal approximation on this many rows.
    deltas = first.astype(float) - worse
    spread = 100 * 1.96 * deltas.std() / np.sqrt(2000)
    assert found.high - found.points == pytest.approx(spread, rel=0.15)


def test_another_examples_message_is_never_ones_own(sample_data_dir: Path) -> None:
    rows = SplitRows.load("trec", sample_data_dir, None)
    others = rows.others()
    assert sorted(others) == list(range(len(rows.texts)))
    assert (others != np.arange(len(others))).all()
    scores = np.eye(6, dtype=np.float32)[rows.labels]  # a path that is always right
    found = Predictions(scores, rows.labels)
    assert found.is_right.all()
    expected = rows.labels[others] == rows.labels
    np.testing.assert_array_equal(found.given(others).is_right, expected)


def test_batches_cover_every_row_once_by_length(sample_data_dir: Path) -> None:
    for name in TASKS:
        rows = SplitRows.load(name, sample_data_dir, 50)
        batches = list(rows.batches())
        assert sorted(np.concatenate(batches)) == list(range(50))
        lengths = [len(rows.texts[row]) for row in np.concatenate(batches)]
        assert lengths == sorted(lengths)


def test_joint_predictions_multiply() -> None:
    first = Predictions(np.log([[0.6, 0.4]]).astype(np.float32), np.array([1]))
    second = Predictions(np.log([[0.2, 0.8]]).astype(np.float32), np.array([1]))
    assert not first.is_right[0]
    assert Predictions.jointly(first, second).is_right[0]


@pytest.mark.parametrize("kind", ["figures", "tasks", "senders", "receivers"])
def test_unknown_names_are_refused_before_anything_is_loaded(kind: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no-such") as caught:
        run_evaluation(tmp_path, **{kind: ["no-such"]})  # type: ignore[arg-type]
    assert "there are" in str(caught.value.hint)
