"""The form of an interleaved answer: which parts it has in which order, and where its images stand.

Parts are texts (`str`) and images (the bytes of a file, or its path). Blank texts are no parts, and texts in a row are one.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from limner.errors import LimnerError
from limner.evaluate.metrics.library import library

Part = str | bytes | Path

_PATTERN = re.compile(r"[TI]+\Z")


def kinds(parts: Sequence[Part]) -> str:
    """A letter for each part, T for text and I for an image.

    >>> kinds(["A", "B", b"...", " ", b"...", "C"])
    'TIIT'
    """
    return "".join("T" if isinstance(part, str) else "I" for part in joined(parts))


def joined(parts: Sequence[Part]) -> list[Part]:
    """Parts without blank texts, those in a row made one, a line each."""
    out: list[Part] = []
    for part in parts:
        if not isinstance(part, str):
            out.append(part)
        elif part.strip():
            if out and isinstance(out[-1], str):
                out[-1] += "\n" + part
            else:
                out.append(part)
    return out


@dataclass(frozen=True, slots=True)
class Structure:
    """What is asked of the form of an answer. None and "" ask for nothing.

    `pattern`   letters T and I, as "TITI"; with `repeated`, once or more times
    `images`, `texts`  how many at least and at most
    `first`, `last`    the kind of part at the ends, T or I
    """

    pattern: str = ""
    repeated: bool = False
    images: tuple[int, int | None] | None = None
    texts: tuple[int, int | None] | None = None
    first: str = ""
    last: str = ""

    def __post_init__(self) -> None:
        if self.pattern and not _PATTERN.match(self.pattern):
            raise LimnerError(f"{self.pattern!r} is no pattern of parts: write letters T and I, as in TITI")
        if {self.first, self.last} - {"", "T", "I"}:
            raise LimnerError(f"an answer begins and ends with T or I, not {self.first!r} and {self.last!r}")


@dataclass(frozen=True, slots=True)
class Form:
    """Which demands an answer meets, by name, and how near its parts are to the pattern: 1 less the edits a part of the
    longer (None without one)."""

    met: dict[str, bool]
    agreement: float | None

    @property
    def right(self) -> bool:
        """Whether all are met."""
        return all(self.met.values())


def form(parts: Sequence[Part], asked: Structure) -> Form:
    """An answer against what is asked of its form.

    >>> form(["A cat.", b"..."], Structure("TI", images=(1, 2), first="I"))
    Form(met={'pattern': True, 'images': True, 'first': False}, agreement=1.0)
    """
    given = kinds(parts)
    met: dict[str, bool] = {}
    agreement = None
    if asked.pattern:
        times = max(round(len(given) / len(asked.pattern)), 1) if asked.repeated else 1
        wanted = asked.pattern * times
        met["pattern"] = given == wanted
        agreement = _alike(given, wanted)
    for name, letter, bounds in (("images", "I", asked.images), ("texts", "T", asked.texts)):
        if bounds is not None:
            most = bounds[1] if bounds[1] is not None else len(given)
            met[name] = bounds[0] <= given.count(letter) <= most
    for name, letter, at in (("first", asked.first, given[:1]), ("last", asked.last, given[-1:])):
        if letter:
            met[name] = at == letter
    return Form(met, agreement)


def in_order(given: Sequence[Hashable], wanted: Sequence[Hashable]) -> float:
    """The share of pairs of wanted things that stand in the order wanted, each where it is first; what is missing is in order
    with nothing. Of things that are all there (1 + Kendall's tau) / 2. One thing alone: 1 if it is there.

    >>> in_order(["b", "a", "c"], ["a", "b", "c"])
    0.6666666666666666
    """
    if len(set(wanted)) != len(wanted) or not wanted:
        raise LimnerError("an order is of things that differ, one at least")
    at: dict[Hashable, int] = {}
    for place, thing in enumerate(given):
        at.setdefault(thing, place)
    if len(wanted) == 1:
        return float(wanted[0] in at)
    pairs = [(one, other) for i, one in enumerate(wanted) for other in wanted[i + 1 :]]
    return sum(one in at and other in at and at[one] < at[other] for one, other in pairs) / len(pairs)


@dataclass(frozen=True, slots=True)
class Placement:
    """An answer's images against a reference's that has the same files.

    `agreement`     1 less the edits that make one sequence of parts of the other, a part of the longer; an image is only like
                    itself, a text like any
    `displacement`  how far an image stands from its place in the reference, as a share of all text, a mean over those in both;
                    None where none is
    `found`         the share of the reference's images that are there
    `extra`         images that the reference has not
    """

    agreement: float
    displacement: float | None
    found: float
    extra: int


def placement(parts: Sequence[Part], reference: Sequence[Part]) -> Placement:
    """Where an answer's images stand against where a reference has them."""
    own, other = list(_places(parts)), list(_places(reference))
    at, wanted = (dict(reversed([(key, place) for key, place in found if key != "T"])) for found in (own, other))
    both = at.keys() & wanted.keys()
    return Placement(
        _alike([key for key, _ in own], [key for key, _ in other]),
        sum(abs(at[key] - wanted[key]) for key in both) / len(both) if both else None,
        len(both) / len(wanted) if wanted else 1.0,
        len(at.keys() - wanted.keys()),
    )


def _places(parts: Sequence[Part]) -> Iterator[tuple[str, float]]:
    """Each part's key, and the share of all characters that stand before it."""
    whole = joined(parts)
    characters = sum(len(part) for part in whole if isinstance(part, str)) or 1
    before = 0
    for part in whole:
        if isinstance(part, str):
            yield "T", before / characters
            before += len(part)
        else:
            data = part.read_bytes() if isinstance(part, Path) else part
            yield sha256(data).hexdigest(), before / characters


def _alike(one: Sequence[str], other: Sequence[str]) -> float:
    distance: Any = library("rapidfuzz.distance", "the agreement of sequences of parts")
    return float(distance.Levenshtein.normalized_similarity(one, other))
