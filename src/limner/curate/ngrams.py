"""Repetition in text, measured with n-grams of characters and of words.

Every n-gram is a 64-bit polynomial hash, made for all positions at once with numpy; equal n-grams are then found by
sorting. Two different n-grams share a hash with a chance of about 2**-64.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_BEFORE = np.array([-1])
_SHORT = 200
_MULTIPLIERS = tuple(np.uint64(pow(_BASE, 3 * k + 1, _MASK + 1)) for k in range(13))


def character_ngrams(text: str, n: int) -> Hashes:
    """The hash of the run of `n` characters that begins at each position. A character beyond the first plane counts
    as two (UTF-16), which lets four characters be read as one number.
    """
    data = text.encode("utf-16-le", "surrogatepass")
    units = len(data) // 2
    if units < n:
        return np.empty(0, np.uint64)
    if n < 4:
        return ngrams(np.frombuffer(data, np.uint16).astype(np.uint64), n)
    count = units - n + 1
    # Windows of four units at 0, 4, 8, ... and one that ends where the run does make up the run.
    offsets = [*range(0, n - 4, 4), n - 4]
    hashes = np.ndarray((count,), np.dtype("<u8"), data, 2 * offsets[0], (2,)) * _MULTIPLIERS[0]
    for i, offset in enumerate(offsets[1:], 1):
        hashes += np.ndarray((count,), np.dtype("<u8"), data, 2 * offset, (2,)) * _MULTIPLIERS[i % len(_MULTIPLIERS)]
    return hashes


def word_codes(words: Sequence[str]) -> Hashes:
    """A number for each word, equal for equal words, shape (len(words),)."""
    numbers: dict[str, int] = {}
    return np.fromiter((numbers.setdefault(w, len(numbers) + 1) for w in words), np.uint64, len(words))


def ngrams(codes: Hashes, n: int) -> Hashes:
    """The hash of the n-gram that begins at each position, shape (max(len(codes) - n + 1, 0),)."""
    if len(codes) < n:
        return np.empty(0, np.uint64)
    # A window of a+b is made of one of a and one of b, so n steps become about log2(n).
    window = codes
    result: Hashes | None = None
    done, size = 0, 1
    remaining = n
    while remaining:
        if remaining & 1:
            if result is None:
                result, done = window, size
            else:
                keep = len(codes) - (done + size) + 1
                result = result[:keep] * np.uint64(pow(_BASE, size, _MASK + 1)) + window[done : done + keep]
                done += size
        remaining >>= 1
        if remaining:
            keep = len(codes) - 2 * size + 1
            window = window[:keep] * np.uint64(pow(_BASE, size, _MASK + 1)) + window[size : size + keep]
            size *= 2
    assert result is not None
    return result[: len(codes) - n + 1]


def frequencies(hashes: Hashes) -> NDArray[np.int64] | None:
    """How often each distinct value occurs, in no particular order; None where no value occurs twice."""
    ordered = np.sort(hashes)
    starts = ordered[1:] != ordered[:-1]
    if starts.all():
        return None
    ends = np.concatenate((_BEFORE, starts.nonzero()[0], [len(hashes) - 1]))
    return ends[1:] - ends[:-1]


def character_repetition(text: str, n: int = 10) -> float:
    """The share of a text's n-grams of characters that the most frequent ones take: the sum of the k greatest
    frequencies over the sum of all, k being the lesser of the square root of the number of distinct n-grams and
    the number of those that occur more than once (BigScience ROOTS, arXiv 2303.03915; used by OBELICS).

    >>> character_repetition("a" * 40), character_repetition("Every word here differs.")
    (1.0, 0.0)
    """
    # In a short text, and most paragraphs are, to see that nothing repeats is quicker without numpy.
    runs = len(text) - n + 1
    if runs <= _SHORT and len({text[i : i + n] for i in range(runs)}) >= runs:
        return 0.0
    counts = frequencies(character_ngrams(text, n))
    if counts is None:
        return 0.0
    repeated = counts[counts > 1]
    top = min(int(len(counts) ** 0.5), len(repeated))
    if not top:
        return 0.0
    if top < len(repeated):
        repeated = np.partition(repeated, len(repeated) - top)[-top:]
    return float(repeated.sum() / counts.sum())


def word_repetition(words: Sequence[str], n: int = 5) -> float:
    """The share of n-grams of words that occur more than once (BigScience ROOTS, arXiv 2303.03915).

    >>> word_repetition("to be or not to be".split(), 2)
    0.4
    """
    # Two places with the same n-gram hold at least n words that stood before, whether or not they overlap.
    if len(words) - len(set(words)) < n:
        return 0.0
    grams = list(zip(*(words[i:] for i in range(n)), strict=False))
    if len(set(grams)) == len(grams):
        return 0.0
    return sum(count for count in Counter(grams).values() if count > 1) / len(grams)


class NGramShares(NamedTuple):
    """Of the characters of all words: the share in the most frequent n-gram, and in any that stood before."""

    top: float
    duplicate: float


def ngram_shares(codes: Hashes, lengths: NDArray[np.int64], n: int) -> NGramShares:
    """How many of the characters stand in repeated n-grams of words (Rae et al., arXiv 2112.11446, A.1.1).

    `lengths` has each word's characters. `top` is the most frequent n-gram's occurrences times its length (the
    longest of those equally frequent). `duplicate` is what stands in an n-gram that stood before, each character
    counted once however many such n-grams it is in: as with lines, the first occurrence is not a duplicate (the
    paper leaves this open; datatrove 0.10 counts so too). Both are 0 where no n-gram occurs twice.
    """
    hashes = ngrams(codes, n)
    total = int(lengths.sum())
    if not len(hashes) or not total:
        return NGramShares(0.0, 0.0)
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    counts = np.diff(starts, append=len(hashes))
    most = int(counts.max())
    if most == 1:
        return NGramShares(0.0, 0.0)
    before = np.concatenate(([0], np.cumsum(lengths)))
    spans = before[n:] - before[:-n]
    top = most * int(spans[order[starts[counts == most]]].max())
    repeated = np.ones(len(hashes), bool)
    repeated[order[starts]] = False  # the sort is stable: the first of a run stands first in the text
    edges = np.zeros(len(codes) + 1, np.int64)
    edges[:-1][: len(hashes)] += repeated
    edges[n:] -= repeated
    covered = np.cumsum(edges[:-1]) > 0
    return NGramShares(min(top / total, 1.0), float(lengths[covered].sum() / total))
