"""VISOR: are two things in an image, and where the prompt says (Gokhale et al. 2022, arXiv 2212.10015; microsoft/VISOR).

A relation holds where it does for the centres of one pair of found things. Published scores are of OWL-ViT's things, asked
for by name, from a sureness of 0.1 on, over four images of a prompt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from limner.errors import LimnerError
from limner.evaluate.metrics.detection import Thing, centre

RELATIONS = ("to the left of", "to the right of", "above", "below")


@dataclass(frozen=True, slots=True)
class Seen:
    """Of an image: whether each thing is there, and whether their relation holds (only where both are)."""

    first: bool
    second: bool
    related: bool

    @property
    def both(self) -> bool:
        """Whether both things are there."""
        return self.first and self.second


def seen(first: str, relation: str, second: str, things: Sequence[Thing], least: float = 0.1) -> Seen:
    """What a detector found in an image against a prompt "a `first` `relation` a `second`"."""
    if relation not in RELATIONS:
        raise LimnerError(f"{relation!r} is no relation of VISOR: {', '.join(RELATIONS)}")
    one, other = (
        [centre(thing.box) for thing in things if thing.name == name and thing.score > least] for name in (first, second)
    )
    axis, sign = {"to the left of": (0, -1), "to the right of": (0, 1), "above": (1, -1), "below": (1, 1)}[relation]
    # One pair that is so is enough: the least, or largest, of the first against the opposite of the second.
    related = any(sign * (a[axis] - b[axis]) > 0 for a in one for b in other)
    return Seen(bool(one), bool(other), related)


@dataclass(frozen=True, slots=True)
class Visor:
    """Shares of images: `objects` both things are there (OA); `unconditional` and their relation holds; `conditional` of
    those with both things, the share whose relation holds (None where there are none). `least[n - 1]`: prompts of which n
    images or more are right (VISOR-n)."""

    objects: float
    unconditional: float
    conditional: float | None
    least: tuple[float, ...]


def visor(images: Iterable[tuple[str, Seen]], most: int = 4) -> Visor:
    """The scores of images, each with what its prompt is known by."""
    right: dict[str, int] = {}
    count = both = 0
    for name, each in images:
        count, both = count + 1, both + each.both
        right[name] = right.get(name, 0) + each.related
    if not count:
        raise LimnerError("VISOR needs an image at least")
    related = sum(right.values())
    at_least = tuple(sum(n >= least for n in right.values()) / len(right) for least in range(1, most + 1))
    return Visor(both / count, related / count, related / both if both else None, at_least)
