"""Perceptual hashes: 64 bits that stay nearly the same when an image is resized, recompressed or changes format.

`phash` (after Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010, and Krawetz's
description): the image in grey at 32 x 32, its two-dimensional DCT-II, and for each of the 64 lowest frequencies but
the mean, in the order of JPEG's zigzag, whether its coefficient is above the median of them. `dhash` (Krawetz): at
9 x 8, whether each pixel is brighter than the one to its left. An image of one colour, or with too little structure
(a blank page with a line of text: many coefficients equal), has no hash, rather than one that noise decides.

Half of the bits of a `phash` are ones, so that two of them differ in an even number of bits: a distance of 5 is one of 4.

Hashes forget what is too fine or only a matter of colour: a picture and its grey copy, a plot and the same plot of another
column may have one hash. `cells` keeps the mean colours on a coarse grid, against which pairs of near hashes are checked
(`cell_difference`); `bench/duplicate_images.py` measures what that takes away and what it costs.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.corpus.pixels import Pixels

SIDE = 32
FLAT = 2.0
"""The standard deviation of grey (0-255, at 32 x 32) below which an image counts as one colour."""

CELLS = 16
"""The side of the grid of mean colours that `cells` keeps."""

UNSURE = 12
"""How many of the 64 coefficients may lie within one grey level of the median: a hash with more is left to noise."""

Hashes = NDArray[np.uint64]


def _zigzag(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    cells = sorted(((i, j) for i in range(count) for j in range(count)), key=lambda c: (c[0] + c[1], c[(c[0] + c[1]) % 2]))[1:65]
    rows, columns = zip(*cells, strict=True)
    return np.array(rows, np.intp), np.array(columns, np.intp)


_ROWS, _COLUMNS = _zigzag(12)


def _basis(side: int, count: int) -> NDArray[np.float32]:
    """The first `count` rows of the orthonormal DCT-II of length `side`."""
    k, x = np.arange(count)[:, None], np.arange(side)[None, :]
    rows = np.sqrt(2 / side) * np.cos(np.pi * k * (2 * x + 1) / (2 * side))
    rows[0] /= np.sqrt(2)
    return rows.astype(np.float32)


_BASIS = _basis(SIDE, 12)


def grey(pixels: Pixels, width: int = SIDE, height: int = SIDE) -> NDArray[np.float32]:
    """Brightness (ITU-R BT.601) of RGB pixels, averaged down to height x width."""
    image = Image.fromarray(pixels).convert("L").resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32)


def flatness(pixels: Pixels) -> float:
    """The standard deviation of grey at 32 x 32: near 0 for an image of one colour, up to 127.5."""
    return float(grey(pixels).std())


def phash(pixels: Pixels) -> int | None:
    """The 64-bit hash of height x width x 3 RGB bytes; None for an image of one colour or little structure."""
    values = grey(pixels)
    if values.std() < FLAT:
        return None
    low = (_BASIS @ values @ _BASIS.T)[_ROWS, _COLUMNS]
    above = low - np.median(low)
    return None if (np.abs(above) < 1).sum() > UNSURE else _bits(above > 0)


def dhash(pixels: Pixels) -> int | None:
    """The 64-bit difference hash of height x width x 3 RGB bytes; None for an image of one colour."""
    if flatness(pixels) < FLAT:
        return None
    values = grey(pixels, 9, 8)
    return _bits((values[:, 1:] > values[:, :-1]).ravel())


def cells(pixels: Pixels) -> bytes:
    """The colours of an image on a grid of 16 x 16, row by row, red, green and blue: 768 bytes."""
    return np.asarray(Image.fromarray(pixels).resize((CELLS, CELLS), Image.Resampling.BICUBIC), np.uint8).tobytes()


def cell_difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int16]:
    """The greatest difference in any cell and colour (0-255) of grids made by `cells`, along the last axis.

    >>> cell_difference(np.array([[9, 9], [0, 0]], np.uint8), np.array([9, 4], np.uint8)).tolist()
    [5, 9]
    """
    return np.abs(a.astype(np.int16) - b.astype(np.int16)).max(axis=-1)


def hamming(a: int, b: int) -> int:
    """In how many bits two hashes differ.

    >>> hamming(0b1010, 0b0011)
    2
    """
    return (a ^ b).bit_count()


def near_pairs(hashes: Hashes, distance: int) -> NDArray[np.int64]:
    """All pairs (i, j), i < j, of distinct hashes that differ in at most `distance` bits, as a count x 2 array.

    The 64 bits are cut into `distance` + 1 bands: two hashes that differ in no more bits agree in one of them whole.
    So only hashes that share a band are compared, block by block in bounded memory.
    """
    if not 0 <= distance <= 31:
        raise ValueError(f"distance {distance} is not in 0-31")
    found: list[NDArray[np.int64]] = []
    edges = np.linspace(0, 64, distance + 2).astype(int)
    for low, high in pairwise(edges):
        band = (hashes >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        rank = np.argsort(band, kind="stable")
        sorted_band, sorted_hash = band[rank], hashes[rank]
        shift = 1
        while shift < len(hashes):
            same = np.flatnonzero(sorted_band[shift:] == sorted_band[:-shift])
            if not len(same):
                break
            apart = np.bitwise_count(sorted_hash[same] ^ sorted_hash[same + shift])
            near = same[apart <= distance]
            if len(near):
                found.append(np.sort(np.stack([rank[near], rank[near + shift]], axis=1), axis=1))
            shift += 1
    if not found:
        return np.empty((0, 2), np.int64)
    return np.unique(np.concatenate(found), axis=0)


def _bits(values: NDArray[Any]) -> int:
    return int.from_bytes(np.packbits(values).tobytes(), "big")
