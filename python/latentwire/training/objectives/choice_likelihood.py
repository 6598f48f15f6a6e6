"""Likelihood of the right answer among those that can be chosen."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from latentwire.frozen import ChoiceTree, FrozenModel
from latentwire.frozen.forest import forest_scores
from latentwire.frozen.prompt import rows_of
from latentwire.frozen.scoring import choice_scores
from latentwire.transfer import to_device


def choice_likelihood(
    frozen: FrozenModel,
    prefix: Tensor,
    asked: Sequence[tuple[ChoiceTree, int] | None],
    *,
    mask: Tensor | None = None,
) -> Tensor:
    """Cross-entropy over the verbalized answers, scored as a receiver scores them.

    Rows that are asked the same tree are scored together, the others in one further pass: many
    answers of one question widen no row of another.

    Args:
        frozen: The receiver; gradients flow through it, never into it.
        prefix: Soft tokens [B, k, d] or a key/value prefix [L, 2, B, H, k, D].
        asked: Of each row, its question with the answers and the index of the right one; None where
            there is nothing to choose from.
        mask: bool [B, k], False on padding; None: there is none.

    Returns:
        Scalar, nats per row that has choices; 0 if none has.
    """
    groups: dict[int, list[tuple[int, ChoiceTree, int]]] = {}
    for row, question in enumerate(asked):
        if question is not None:
            groups.setdefault(id(question[0]), []).append((row, *question))
    shared = [group for group in groups.values() if len(group) > 1]
    single = [group[0] for group in groups.values() if len(group) == 1]
    total = 0 * prefix.float().sum()  # a gradient, also where nothing is asked
    for group in [*shared, single] if single else shared:
        rows, trees, labels = zip(*group, strict=True)
        chosen, padding = rows_of(prefix, rows), None if mask is None else mask[list(rows)]
        if group is single:
            scores = forest_scores(frozen, chosen, padding, trees)  # [R, C]
        else:
            scores = choice_scores(frozen, chosen, padding, trees[0])
        right = to_device(torch.tensor(labels), scores.device)
        total = total + F.cross_entropy(scores, right, reduction="sum")
    return total / max(1, sum(map(len, groups.values())))
