"""Linear probes: what a linear classifier reads off the states that an encoder reads."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latentwire.evaluation.rows import SplitRows
from latentwire.frozen import FrozenModel

INVERSE_STRENGTHS = (0.01, 0.1, 1.0)
"""Inverse regularization strengths that are tried on the validation split."""
MAX_TRAIN_ROWS = 20_000
"""The most training rows of a probe unless another number is given."""

_BATCH = 64
_SEED = 1


@dataclass(frozen=True)
class Probe:
    """What a probe reached.

    Attributes:
        is_right: Which test rows it labels right, bool [N].
        num_train_rows: Rows that it was trained on.
        inverse_strength: The inverse regularization strength that validation chose.
    """

    is_right: NDArray[np.bool_]
    num_train_rows: int
    inverse_strength: float


def probe(
    frozen: FrozenModel,
    layer: int,
    rows: SplitRows,
    data_dir: Path,
    *,
    max_train_rows: int = MAX_TRAIN_ROWS,
    cache_dir: Path | None = None,
) -> Probe:
    """Train logistic regression on standardized, mean-pooled states and judge the test rows.

    Args:
        frozen: The sender's model.
        layer: The hidden state that its encoder reads.
        rows: Test rows.
        data_dir: Data folder; training and validation rows are taken from it.
        max_train_rows: A longer training split is sampled with a fixed seed.
        cache_dir: Where pooled states are kept between runs; None keeps nothing.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train = rows.task.load("train", data_dir)
    if len(train) > max_train_rows:
        train = random.Random(_SEED).sample(train, max_train_rows)  # noqa: S311
    validation = rows.task.load("validation", data_dir)
    states, held_out, test = (
        pooled_states(frozen, layer, texts, cache_dir)
        for texts in ([e.text for e in train], [e.text for e in validation], rows.texts)
    )
    labels = np.array([example.label for example in train])
    wanted = np.array([example.label for example in validation])
    fitted = []
    for strength in INVERSE_STRENGTHS:
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=strength, max_iter=300, tol=1e-3)
        )
        model.fit(states, labels)
        fitted.append((float(model.score(held_out, wanted)), strength, model))
    _, strength, model = max(fitted, key=lambda candidate: candidate[0])
    return Probe(model.predict(test) == rows.labels, len(train), strength)


def pooled_states(
    frozen: FrozenModel, layer: int, texts: list[str], cache_dir: Path | None = None
) -> NDArray[np.float32]:
    """Hidden states of texts averaged over their tokens, float32 [N, d].

    A cache file is named by the digest of weights, layer and texts: it is never read for others.
    """
    if cache_dir is None:
        return _compute_pooled_states(frozen, layer, texts)
    digest = hashlib.blake2b(frozen.weights_digest + bytes([layer]), digest_size=16)
    for text in texts:
        digest.update(text.encode() + b"\0")
    path = cache_dir / f"pooled-{digest.hexdigest()}.npy"
    if path.is_file():
        kept: NDArray[np.float32] = np.load(path)
        return kept
    found = _compute_pooled_states(frozen, layer, texts)
    cache_dir.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npy")
    np.save(partial, found)
    partial.replace(path)  # a file of this name is whole
    return found


def _compute_pooled_states(
    frozen: FrozenModel, layer: int, texts: list[str]
) -> NDArray[np.float32]:
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    found = np.empty((len(texts), frozen.hidden_size), dtype=np.float32)
    for start in range(0, len(order), _BATCH):
        chosen = order[start : start + _BATCH]
        states, mask = frozen.hidden_states([texts[row] for row in chosen], layer)
        weights = mask.unsqueeze(-1).to(torch.float32)
        found[chosen] = ((states * weights).sum(1) / weights.sum(1)).cpu().numpy()
    return found
