"""Bag of words: the tokens of a text can be read off its message, in any order."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def bag_of_words(logits: Tensor, texts: Sequence[Sequence[int]]) -> Tensor:
    """Cross-entropy of each text's distinct tokens (https://arxiv.org/abs/1703.10960).

    Args:
        logits: Of the vocabulary [B, V], by a head that reads the message alone.
        texts: Token ids of each row, at least one.

    Returns:
        Scalar, nats per distinct token, averaged over rows; at least the logarithm of their number.
    """
    log_probabilities = logits.float().log_softmax(1)
    rows = [
        log_probabilities[row, torch.tensor(sorted(set(ids)), device=logits.device)].mean()
        for row, ids in enumerate(texts)
    ]
    return -torch.stack(rows).mean()
