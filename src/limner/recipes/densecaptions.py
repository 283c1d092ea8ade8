"""Captions that say more than a picture's name: what sort of picture it is, its colours and its shape, told from its pixels.

PixArt-alpha (Chen et al. 2023, arXiv 2310.00426, section 2.4) has a vision-language model write dense captions of photographs; drawings
are simple enough for counting.

N pictures, S pixels of a side.
"""

from __future__ import annotations

import colorsys
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from limner.corpus.pixels import Pixels

_WHITE = 240  # from which a pixel is taken for the paper
_SHARE = 0.2  # of what is drawn, from which a colour is named
_HUES = (
    (15, "red"), (42, "orange"), (68, "yellow"), (165, "green"), (200, "teal"), (255, "blue"), (290, "purple"), (345, "pink"), (361, "red"),
)  # fmt: skip
"""Degrees of hue below which a colour has a name."""

_LEVELS = 8  # of each of red, green and blue, in which colours are counted
_LONG = 1.7  # times as wide as high, from which a thing is called wide


def colours(picture: Pixels) -> list[str]:
    """The names of at most two colours that make up most of what is drawn on white, the commonest first; none for an empty picture.

    >>> colours(np.full((4, 4, 3), (200, 30, 20), np.uint8))
    ['red']
    """
    drawn = picture[_drawn(picture)]
    if not len(drawn):
        return []
    counts: Counter[str] = Counter()
    cells, many = np.unique(drawn // (256 // _LEVELS), axis=0, return_counts=True)
    for cell, count in zip(cells, many, strict=True):
        counts[_named(cell * (256 // _LEVELS) + 128 // _LEVELS)] += int(count)
    return [name for name, count in counts.most_common(2) if count >= _SHARE * len(drawn)]


def shape(picture: Pixels) -> str:
    """`wide`, `tall`, `small`, or nothing, by the box around what is drawn."""
    rows, columns = np.nonzero(_drawn(picture))
    if not len(rows):
        return ""
    high, wide = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    if wide >= _LONG * high:
        return "wide"
    if high >= _LONG * wide:
        return "tall"
    return "small" if high * wide < picture.shape[0] * picture.shape[1] / 4 else ""


def dense(name: str, picture: Pixels, group: str = "") -> str:
    """A caption: shape and colours before the name, the sort of thing after it.

    >>> dense("fire engine, noto", np.full((4, 4, 3), (200, 30, 20), np.uint8), "transportation")
    'red fire engine, noto, transportation'
    """
    words = [shape(picture), " and ".join(colours(picture)), name]
    return ", ".join(part for part in (" ".join(word for word in words if word), group.replace("_", " ")) if part)


def _drawn(picture: Pixels) -> NDArray[np.bool_]:
    return np.any(picture < _WHITE, axis=2)


def _named(colour: NDArray[np.integer]) -> str:
    hue, light, vivid = colorsys.rgb_to_hls(*(float(c) / 255 for c in colour))
    chroma = (1 - abs(2 * light - 1)) * vivid
    if chroma < 0.15:
        return "black" if light < 0.25 else "white" if light > 0.85 else "grey"
    name = next(name for limit, name in _HUES if 360 * hue < limit)
    return "brown" if name in ("red", "orange") and light < 0.35 and chroma < 0.6 else name
