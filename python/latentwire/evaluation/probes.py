"""Linear probes: what a linear classifier reads off the states that an encoder reads."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latentwire.evaluation.rows import SplitRows
from latentwire.frozen import FrozenModel
from latentwire.tasks import TASKS

REGULARIZATION = (0.01, 0.1, 1.0)  # inverse strengths tried on validation
_BATCH = 64


def probe(
    frozen: FrozenModel, layer: int, rows: SplitRows, data_dir: Path, max_train_rows: int
) -> NDArray[np.bool_]:
    """Train logistic regression on mean-pooled states and judge the test rows.

    Args:
        frozen: The sender's model.
        layer: The hidden state that its encoder reads.
        rows: Test rows.
        data_dir: Data folder; training and validation rows are taken from it.
        max_train_rows: The most training rows; a longer split is sampled with a fixed seed.

    Returns:
        Which test rows the probe labels right, bool [N].
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    task = TASKS[rows.task.name]
    train = task.load("train", data_dir)
    if len(train) > max_train_rows:
        train = random.Random(1).sample(train, max_train_rows)  # noqa: S311
    validation = task.load("validation", data_dir)
    features = {
        "train": mean_states(frozen, layer, [example.text for example in train]),
        "validation": mean_states(frozen, layer, [example.text for example in validation]),
        "test": mean_states(frozen, layer, rows.texts),
    }
    labels = np.array([example.label for example in train])
    wanted = np.array([example.label for example in validation])
    best: tuple[float, NDArray[np.int64]] | None = None
    for strength in REGULARIZATION:
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=strength, max_iter=300, tol=1e-3)
        )
        model.fit(features["train"], labels)
        score = float(model.score(features["validation"], wanted))
        if best is None or score > best[0]:
            best = (score, model.predict(features["test"]))
    assert best is not None
    right: NDArray[np.bool_] = best[1] == rows.labels
    return right


def mean_states(frozen: FrozenModel, layer: int, texts: list[str]) -> NDArray[np.float32]:
    """Hidden states of texts averaged over their tokens, float32 [N, d]."""
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    found = np.empty((len(texts), frozen.hidden_size), dtype=np.float32)
    for start in range(0, len(order), _BATCH):
        chosen = order[start : start + _BATCH]
        states, mask = frozen.hidden_states([texts[row] for row in chosen], layer)
        weights = mask.unsqueeze(-1).to(torch.float32)
        pooled = (states * weights).sum(1) / weights.sum(1)
        found[chosen] = pooled.cpu().numpy()
    return found
