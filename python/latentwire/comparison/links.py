"""Test figures of a link: the sender's translated cache in the place of a message."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from latentwire.evaluation.predictions import Predictions
from latentwire.evaluation.rows import SplitRows
from latentwire.evaluation.statistics import Accuracy
from latentwire.link import KeyValueLink
from latentwire.models.size import num_parameters
from latentwire.training.projection.recipe import ProjectorRecipe, projector_folder

_ZEROS = 16  # entries of the control: about as long as a short text


def measure_link(
    recipe: ProjectorRecipe, run_dir: Path, data_dir: Path, limits: Mapping[str, int]
) -> dict[str, Any]:
    """Parameters, mean bytes of a cache, and accuracy with its controls.

    Args:
        recipe: What was trained.
        run_dir: Where.
        data_dir: Data folder.
        limits: Task -> how many rows of its test split; others are measured whole.
    """
    link = KeyValueLink.from_pretrained(
        recipe.sender, recipe.receiver, projector=run_dir / projector_folder(recipe)
    )
    figures: dict[str, dict[str, float]] = {
        "latent": {},
        "zero message": {},
        "other message": {},
    }
    sizes = []
    for name in recipe.tasks:
        rows = SplitRows.load(name, data_dir, limits.get(name))
        asked: dict[str, Any] = {"question": rows.task.question, "choices": rows.task.choices}
        scores = np.empty((len(rows.texts), len(rows.task.choices)), dtype=np.float32)
        for batch in rows.batches():
            answers = link.ask_batch([rows.texts[row] for row in batch], **asked)
            scores[batch] = [answer.log_probabilities for answer in answers]
        found = Predictions(scores, rows.labels)
        zeros = link.ask_zeros(_ZEROS, **asked).log_probabilities
        constant = Predictions(
            np.tile(np.array(zeros, np.float32), (len(rows.texts), 1)), rows.labels
        )
        for figure, predicted in (
            ("latent", found),
            ("zero message", constant),
            ("other message", found.given(rows.others())),
        ):
            figures[figure][name] = Accuracy.of(predicted.is_right).percent
        sizes += [link.num_bytes(text) for text in rows.texts]
    return {
        "parameters": {"projector": num_parameters(link.projector)},
        "packet_bytes": round(sum(sizes) / len(sizes), 1),
        "figures": {recipe.receiver: figures},
    }
