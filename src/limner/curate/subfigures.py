"""Figures of several parts: their captions cut at "(a) … (b) …", and their pictures cut where nothing is drawn."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limner.corpus.pixels import Pixels

_MARK = re.compile(r"(?<![\w.(])(?:\(([a-hA-H])\)|([a-hA-H])\))(?=[\s:,.])\s*[:,.]?\s*")
_SPACE = 0.02  # share of the picture's longer side that is blank between two panels, at least
_FLAT = 12  # of 255: what differs by no more from the background is blank
_PANEL = 0.12  # share of the picture's side that a panel has at least
_MOST = 8


class Panel(NamedTuple):
    """A panel's place in its picture, pixels."""

    left: int
    top: int
    right: int
    bottom: int


def subcaptions(caption: str) -> list[tuple[str, str]]:
    """The labels and texts of a caption's parts, where it has at least two and they are in order from "a"; what stands before them belongs to
    all and is left out.

    >>> subcaptions("Figure 2: Maps. (a) Sources. (b) Sinks, in red.")
    [('a', 'Sources.'), ('b', 'Sinks, in red.')]
    """
    marks = list(_MARK.finditer(caption))
    labels = [(m[1] or m[2]).lower() for m in marks]
    if len(marks) < 2 or labels != [chr(ord("a") + i) for i in range(len(labels))]:
        return []
    ends = [*(m.start() for m in marks[1:]), len(caption)]
    return [(label, caption[m.end() : end].strip(" ;,")) for label, m, end in zip(labels, marks, ends, strict=True)]


def panels(pixels: Pixels) -> list[Panel]:
    """The panels of a picture, from the top left, row by row: it is cut along blank strips that cross it, and its pieces again. One that cannot be
    cut is one panel."""
    ink = np.abs(pixels.astype(np.int16) - _background(pixels)).max(axis=2) > _FLAT
    if not ink.any():
        return [Panel(0, 0, pixels.shape[1], pixels.shape[0])]
    found = _cut(ink, 0, 0, max(pixels.shape[:2]), 0)
    height, width = pixels.shape[:2]
    large = [p for p in found if p.right - p.left >= _PANEL * width and p.bottom - p.top >= _PANEL * height]
    if not 2 <= len(large) <= _MOST:
        return [Panel(0, 0, width, height)]
    return sorted(large, key=lambda p: (round(p.top / (0.25 * height)), p.left))


def _background(pixels: Pixels) -> NDArray[np.int16]:
    """The colour of most of the picture's edge."""
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    values, counts = np.unique(edge, axis=0, return_counts=True)
    return values[counts.argmax()].astype(np.int16)


def _cut(ink: NDArray[np.bool_], left: int, top: int, side: int, depth: int) -> list[Panel]:
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return []
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    left, top = left + int(columns[0]), top + int(rows[0])
    whole = [Panel(left, top, left + ink.shape[1], top + ink.shape[0])]
    if depth == 4:
        return whole
    for axis in (0, 1):
        gap = _widest(np.asarray(ink.any(axis=1 - axis)), max(_SPACE * side, 3))
        if gap is None:
            continue
        at, end = gap
        if axis == 0:
            return _cut(ink[:at], left, top, side, depth + 1) + _cut(ink[end:], left, top + end, side, depth + 1)
        return _cut(ink[:, :at], left, top, side, depth + 1) + _cut(ink[:, end:], left + end, top, side, depth + 1)
    return whole


def _widest(used: NDArray[np.bool_], least: float) -> tuple[int, int] | None:
    """The widest run of unused places, if it is wide enough and both sides are a panel's size."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], used, [True]]).astype(np.int8)))
    runs = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    small = _PANEL * len(used)
    good = [(a, b) for a, b in runs if b - a >= least and a >= small and len(used) - b >= small]
    return max(good, key=lambda run: run[1] - run[0], default=None)
