"""MinHash signatures and the bands of locality-sensitive hashing (Broder 1997; Leskovec, Rajaraman and Ullman, ch. 3).

A signature is `count` 32-bit numbers, each the least of one random order of the shingles: the share of places in which
two signatures agree estimates the Jaccard similarity J of the two sets of shingles, with standard deviation
sqrt(J (1 - J) / count). Cut into bands of r rows, two signatures agree in at least one of b bands with probability
1 - (1 - J^r)^b.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from limner.curate.shingles import Words, mix

Signature = NDArray[np.uint32]

_CHUNK = 4096
"""How many shingles are taken at a time: count x 4096 numbers stay in the cache."""


@cache
def _orders(count: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]:
    random = np.random.default_rng(seed)
    flips, adds = random.integers(0, 1 << 32, (2, count, 1), dtype=np.uint32)
    factors = random.integers(0, 1 << 31, (count, 1), dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return flips, factors, adds


def minhash(shingles: Words, count: int = 128, seed: int = 1) -> Signature:
    """The signature of a set of shingles (64-bit hashes, repetitions without effect): `count` numbers.

    The i-th order of a 32-bit number h is ((h xor x_i) * a_i + c_i) mod 2^32 with a_i odd: one to one.
    """
    flips, factors, adds = _orders(count, seed)
    least = np.full(count, 0xFFFFFFFF, np.uint32)
    short = (shingles >> np.uint64(32)).astype(np.uint32)
    room = np.empty((count, min(len(short), _CHUNK)), np.uint32)
    for start in range(0, len(short), _CHUNK):
        part = short[start : start + _CHUNK]
        values = room[:, : len(part)]
        np.bitwise_xor(part, flips, out=values)
        np.multiply(values, factors, out=values)
        np.add(values, adds, out=values)
        np.minimum(least, values.min(axis=1), out=least)
    return least


def similarity(a: Signature, b: Signature) -> NDArray[np.float64]:
    """The estimated Jaccard similarity of signatures, along the last axis."""
    return np.asarray((a == b).mean(axis=-1))


@cache
def bands_for(threshold: float, count: int = 128, false_positive: float = 0.5) -> tuple[int, int]:
    """How many bands of how many rows to cut `count` numbers into, so that pairs at or above `threshold` meet.

    It minimises, over all b * r <= count, the weighted sum of two areas: the chance of meeting below the threshold
    (weight `false_positive`) and of not meeting above it (1 - `false_positive`); the criterion of datasketch's
    MinHashLSH (Zhu et al., VLDB 2016).

    >>> bands_for(0.8)
    (9, 13)
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold {threshold} is not between 0 and 1")
    below = np.linspace(0, threshold, 513)
    above = np.linspace(threshold, 1, 513)
    best, choice = np.inf, (1, count)
    for rows in range(1, count + 1):
        for bands in range(1, count // rows + 1):
            wrong = false_positive * np.trapezoid(1 - (1 - below**rows) ** bands, below)
            wrong += (1 - false_positive) * np.trapezoid((1 - above**rows) ** bands, above)
            if wrong < best:
                best, choice = float(wrong), (bands, rows)
    return choice


def band_hashes(signature: Signature, bands: int, rows: int) -> Words:
    """One 64-bit hash a band; equal hashes mean (but for chance) equal bands at the same position."""
    cut = signature[: bands * rows].reshape(bands, rows).astype(np.uint64)
    factors = mix(np.arange(1, rows + 1, dtype=np.uint64)) | np.uint64(1)
    # Mixed before they are added, so that no two bands that differ in one row can meet by their sums.
    return mix(mix(cut + factors).sum(axis=1, dtype=np.uint64) + np.arange(bands, dtype=np.uint64))
