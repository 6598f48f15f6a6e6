"""Bag of words: the tokens of a text can be read off its message, in any order."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from latentwire.transfer import to_device


def bag_of_words(logits: Tensor, texts: Sequence[Sequence[int]]) -> Tensor:
    """Cross-entropy of each text's distinct tokens (https://arxiv.org/abs/1703.10960).

    Args:
        logits: Of the vocabulary [B, V], by a head that reads the message alone.
        texts: Token ids of each row, at least one.

    Returns:
        Scalar, nats per distinct token, averaged over rows; at least the logarithm of their number.
    """
    words = [sorted(set(ids)) for ids in texts]
    # One index for all rows: a GPU would be waited for at each.
    places = [row * logits.shape[1] + word for row, own in enumerate(words) for word in own]
    chosen = to_device(torch.tensor(places), logits.device)
    found = logits.float().log_softmax(1).flatten().index_select(0, chosen)
    return -torch.stack([own.mean() for own in torch.split(found, [*map(len, words)])]).mean()
