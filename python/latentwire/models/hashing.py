"""Hashes of byte n-grams and of words, for embedding tables of a fixed size."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

_WORD_BYTES = 12  # at most; of longer words the last ones count
_PRIME = 2_147_483_647
_FUNCTIONS = ((40_503, 7), (2_654_435, 11))  # multiplier, shift
NUM_HASHES = len(_FUNCTIONS)
"""Functions that ``bucket`` has; words seldom collide in both (https://arxiv.org/abs/1709.03933)."""


def ngram_hashes(ids: Tensor, length: int) -> Tensor:
    """Hash of the n-gram that ends at each byte, int64 [B, T]; starts see zeros."""
    return _polynomial(_earlier(ids + 1, offset) for offset in range(length))


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
    ends = inside & ~F.pad(inside, (0, 1))[:, 1:]
    reached, terms = torch.ones_like(inside), []
    for offset in range(_WORD_BYTES):
        reached = reached & _earlier(inside, offset)
        terms.append(_earlier(ids + 1, offset) * reached)
    return ends, _polynomial(terms)


def bucket(codes: Tensor, buckets: int, number: int = 0) -> Tensor:
    """Bucket of each hash, int64 in 0..buckets - 1; each number is another function."""
    multiplier, shift = _FUNCTIONS[number]
    return (codes * multiplier + (codes >> shift)) % buckets


def _earlier(values: Tensor, offset: int) -> Tensor:
    """What stood an offset earlier, [B, T]; zeros before the start."""
    return F.pad(values, (offset, 0))[:, : values.shape[1]]


def _polynomial(terms: Iterable[Tensor]) -> Tensor:
    """Terms of int64 [B, T], the last byte's first, as one number below the prime."""
    first, *others = terms
    code = first % _PRIME
    for term in others:
        code = (code * 1_000_003 + term) % _PRIME
    return code
