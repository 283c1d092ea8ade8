"""Boxes around things: how they overlap, which found one is which true one, average precision.

A box is left, top, right, bottom, in pixels or shares of the image. `limner.experts.detector.Seen` is a `Thing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from limner.errors import LimnerError

Box = tuple[float, float, float, float]

THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
"""Overlaps over which COCO averages."""

_RECALLS = np.linspace(0, 1, 101)
_MOST = 100  # things of an image and name that count, the surest


class Thing(Protocol):
    """What a detector found: its name, how sure it is (0-1), and the box."""

    @property
    def name(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def box(self) -> Box: ...


@dataclass(frozen=True, slots=True)
class Placed:
    """A thing with a box of any numbers; a true one has the score 1."""

    name: str
    box: Box
    score: float = 1.0


def area(box: Box) -> float:
    """0 where a box is inside out."""
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


def centre(box: Box) -> tuple[float, float]:
    """The middle of a box, across and down."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def iou(one: Box, other: Box) -> float:
    """The intersection of two boxes as a share of their union, 0 for boxes without area.

    >>> iou((0, 0, 2, 2), (1, 0, 3, 2))
    0.3333333333333333
    """
    common = area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))
    union = area(one) + area(other) - common
    return common / union if union > 0 else 0.0


def ious(found: Sequence[Box], true: Sequence[Box]) -> NDArray[np.float64]:
    """The overlap of each of N boxes with each of M: N x M."""
    a, b = (np.asarray(boxes, np.float64).reshape(-1, 4) for boxes in (found, true))
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    common = np.clip(sides, 0, None).prod(2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1][None] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def matched(found: Sequence[Thing], true: Sequence[Thing], threshold: float = 0.5) -> list[tuple[int, int]]:
    """Which found thing is which true one of the same name: the surest first, each takes the free one that it overlaps most,
    from `threshold` on."""
    pairs: list[tuple[int, int]] = []
    for name in sorted({thing.name for thing in found}):
        own, others = ([i for i, thing in enumerate(things) if thing.name == name] for things in (found, true))
        own.sort(key=lambda i: -found[i].score)
        overlaps = ious([found[i].box for i in own], [true[i].box for i in others])
        pairs += [(own[i], others[j]) for i, j in enumerate(_greedy(overlaps, threshold)) if j >= 0]
    return sorted(pairs)


def _greedy(overlaps: NDArray[np.float64], threshold: float) -> list[int]:
    """For each row in turn the free column that it overlaps most, -1 where it reaches the threshold with none."""
    free = np.ones(overlaps.shape[1], bool)
    out: list[int] = []
    for row in overlaps:
        able = np.where(free & (row >= min(threshold, 1 - 1e-10)), row, -1.0)
        best = int(able.argmax()) if len(able) else -1
        if best >= 0 and able[best] < 0:
            best = -1
        if best >= 0:
            free[best] = False
        out.append(best)
    return out


@dataclass(frozen=True, slots=True)
class Counts:
    """Things found, of them right, and true ones. They add up over images."""

    right: int
    found: int
    true: int

    @property
    def precision(self) -> float:
        """1 where nothing was found and nothing is there."""
        return self.right / self.found if self.found else float(not self.true)

    @property
    def recall(self) -> float:
        """1 where nothing is there."""
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both, which in work on text is called the h-mean."""
        return 2 * self.right / (self.found + self.true) if self.found + self.true else 1.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.found + other.found, self.true + other.true)


def counts(found: Sequence[Thing], true: Sequence[Thing], threshold: float = 0.5) -> Counts:
    """What is right of an image."""
    return Counts(len(matched(found, true, threshold)), len(found), len(true))


def average_precision(
    found: Sequence[Sequence[Thing]], true: Sequence[Sequence[Thing]], name: str, threshold: float = 0.5
) -> float | None:
    """AP of a name over images as COCO has it: precision, made falling, read off at 101 recalls. None where no image has such
    a thing."""
    if len(found) != len(true):
        raise LimnerError(f"things were found in {len(found)} images and are known of {len(true)}")
    scores: list[float] = []
    right: list[bool] = []
    there = 0
    for own, others in zip(found, true, strict=True):
        boxes = [thing.box for thing in others if thing.name == name]
        there += len(boxes)
        surest = sorted((thing for thing in own if thing.name == name), key=lambda thing: -thing.score)[:_MOST]
        scores += [thing.score for thing in surest]
        right += [j >= 0 for j in _greedy(ious([thing.box for thing in surest], boxes), threshold)]
    if not there:
        return None
    order = np.argsort(-np.array(scores), kind="stable")
    hits = np.cumsum(np.array(right, bool)[order])
    if not len(hits):
        return 0.0
    recall = hits / there
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    at = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.where(at < len(precision), precision[np.minimum(at, len(precision) - 1)], 0.0).mean())


def mean_average_precision(
    found: Sequence[Sequence[Thing]], true: Sequence[Sequence[Thing]], thresholds: Sequence[float] = THRESHOLDS
) -> float:
    """The mean of AP over thresholds and over the names that are there: COCO's mAP for things of all sizes (Lin et al. 2014,
    arXiv 1405.0312)."""
    names = sorted({thing.name for things in true for thing in things})
    if not names:
        raise LimnerError("average precision needs one true thing at least")
    each = [average_precision(found, true, name, threshold) for name in names for threshold in thresholds]
    return float(np.mean([value for value in each if value is not None]))
