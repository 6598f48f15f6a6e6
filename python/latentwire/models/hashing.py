"""Hashes of byte n-grams and of words, for embedding tables of a fixed size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_WORD_BYTES = 12  # at most; of longer words the last ones count
_PRIME = 2_147_483_647
_FUNCTIONS = ((40_503, 7), (2_654_435, 11))  # multiplier, shift
HASHES = len(_FUNCTIONS)
"""Functions that ``bucket`` has; words seldom collide in both (https://arxiv.org/abs/1709.03933)."""


def ngram_hashes(ids: Tensor, length: int) -> Tensor:
    """Hash of the n-gram that ends at each byte, int64 [B, T]; starts see zeros."""
    code = torch.zeros_like(ids)
    for offset in range(length):
        shifted = F.pad(ids + 1, (offset, 0))[:, : ids.shape[1]]
        code = (code * 1_000_003 + shifted) % _PRIME
    return code


def find_words(ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Where words end, bool [B, T], and the hash of the word so far at each byte, int64 [B, T].

    Words are runs of ASCII letters and digits and of bytes above ASCII. Nothing after the last byte
    that the mask shows belongs to one.
    """
    lower = ids | 32
    is_letter = (lower >= ord("a")) & (lower <= ord("z"))
    is_digit = (ids >= ord("0")) & (ids <= ord("9"))
    real = mask.flip(1).cummax(1).values.flip(1)
    inside = (is_letter | is_digit | (ids >= 128)) & real
    follows = F.pad(inside, (0, 1))[:, 1:]
    code, alive = torch.zeros_like(ids), torch.ones_like(inside)
    for offset in range(_WORD_BYTES):
        alive = alive & F.pad(inside, (offset, 0))[:, : ids.shape[1]]
        shifted = F.pad(ids + 1, (offset, 0))[:, : ids.shape[1]]
        code = (code * 1_000_003 + shifted * alive) % _PRIME
    return inside & ~follows, code


def bucket(codes: Tensor, buckets: int, number: int = 0) -> Tensor:
    """Bucket of each hash, int64 in 0..buckets - 1; each number is another function."""
    multiplier, shift = _FUNCTIONS[number]
    return (codes * multiplier + (codes >> shift)) % buckets
