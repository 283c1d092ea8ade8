"""T2I-CompBench's scores of places and of numbers (Huang et al. 2023, arXiv 2307.06350; Karine-Huang/T2I-CompBench,
`UniDet_eval`).

Published scores are of UniDet's things, on images whose longer side is 480 pixels. Depth ("in front of") is not scored: it
takes a map of depths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limner.errors import LimnerError
from limner.evaluate.metrics.detection import Box, Thing, area, centre, iou

NEAR = ("next to", "near", "on side of")
SIDES = {
    "on the left of": (0, 1), "on the right of": (0, -1), "on the top of": (1, 1), "on the bottom of": (1, -1),
}  # fmt: skip
"""The axis, and the sign of the second thing's centre less the first's."""

_SIDE = 480.0
_NEAR = 150.0  # pixels of such an image
_OVERLAP = 0.1
_SAME = 0.9  # of either box that lies in the other where a detector found one thing twice
_PEOPLE = ("girl", "boy", "man", "woman")
_OTHER_NAMES = {"ship": "boat", "telivision": "tv", "television": "tv", "goldfish": "fish", "painting": "picture"}


def relation(said: str, first: Box, second: Box, longer: float = _SIDE) -> float:
    """How well a relation holds between two boxes of an image whose longer side is so many pixels, 0-1.

    >>> relation("on the left of", (0, 100, 50, 150), (200, 110, 250, 160))
    1.0
    """
    if said not in NEAR and said not in SIDES:
        raise LimnerError(f"{said!r} is no relation of T2I-CompBench: {', '.join((*NEAR, *SIDES))}")
    one, other = centre(first), centre(second)
    apart = tuple((b - a) * _SIDE / longer for a, b in zip(one, other, strict=True))
    if said in NEAR:
        return 1.0 if min(map(abs, apart)) < _NEAR else _NEAR / max(map(abs, apart))
    axis, sign = SIDES[said]
    if sign * apart[axis] <= 0 or abs(apart[axis]) <= abs(apart[1 - axis]):
        return 0.0
    overlap = iou(first, second)
    return 1.0 if overlap < _OVERLAP else _OVERLAP / overlap


def spatial(first: str, said: str, second: str, things: Sequence[Thing], longer: float = _SIDE) -> float:
    """The score of an image for "`first` `said` `second`", 0-1: half of it the relation, a quarter the sureness of each
    thing's first find; less than a half is none."""
    one, other = (next((thing for thing in things if thing.name == _named(name)), None) for name in (first, second))
    score = 0.25 * sum(thing.score for thing in (one, other) if thing)
    if one and other:
        score += 0.5 * relation(said, one.box, other.box, longer)
    return score if score >= 0.5 else 0.0


def _named(name: str) -> str:
    return "person" if name in _PEOPLE else name


@dataclass(frozen=True, slots=True)
class Number:
    """So many of a thing."""

    name: str
    count: int


def numeracy(wanted: Sequence[Number], things: Sequence[Thing]) -> float:
    """The score of an image, 0-1: for each thing wanted a half that it is there, and a half that its number is right, in
    equal shares. A thing found twice counts once; a name that nothing has is also looked for in longer names ("fish" in
    "tropical fish")."""
    if not wanted:
        raise LimnerError("T2I-CompBench's numeracy needs a thing to count")
    kept: list[tuple[str, Box]] = []
    for thing in things:
        if not any(name == thing.name and _same(thing.box, box) for name, box in kept):
            kept.append((thing.name, thing.box))
    names = [name for name, _ in kept]
    total = 0.0
    for each in wanted:
        name = _named(each.name)
        name = _OTHER_NAMES.get(name, name)
        if name not in names:
            names = [name if name in found else found for found in names]
        count = names.count(name)
        total += (0.5 * (count > 0) + 0.5 * (count == each.count and count > 0)) / len(wanted)
    return total


def _same(one: Box, other: Box) -> bool:
    """Whether nearly all of a box lies in the other; sides count their last pixel, as the authors' do."""
    a, b = ((box[0], box[1], box[2] + 1, box[3] + 1) for box in (one, other))
    common = area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))
    smaller = min(area(a), area(b))
    return smaller > 0 and common / smaller > _SAME
