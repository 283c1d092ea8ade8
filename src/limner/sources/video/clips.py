"""Where a talk comes to another topic, told from its words alone, and a video cut there.

TextTiling (Hearst 1997, Computational Linguistics 23:1): the words before and after each gap are compared, and a topic ends where they are
far less alike than on both sides of it. A video's document is one, in order of time, as in multimodal-textbook (arXiv 2501.00958) and
OmniCorpus-YT (arXiv 2406.08418), and says where its clips begin in `meta["clips"]`; `split` makes a document of each clip, for those who
want short ones (COSMO's Howto-Interlink7M, arXiv 2401.00849).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from limner.document import Document, document_id
from limner.sources.speech import Said

CLIPS = "clips"
"""The name in `Document.meta` of the seconds at which clips begin, but for the first."""

_UNIT = 20  # words that are compared as one: about a sentence
_AROUND = 6  # units on each side of a gap
_LEAST = 4  # units of the shortest clip
_DEPTH = 0.15  # cosine: how much less alike than on both sides the words are where a topic ends
_STEM = 6  # letters that a word is told by, so that its endings do not matter
_WORD = re.compile(r"[^\W\d_]{3,}")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0eff]")


def boundaries(cues: Sequence[Said], depth: float = _DEPTH) -> list[float]:
    """The seconds at which the talk comes to another topic, in order; none for what is short or stays with its topic."""
    units = list(_units(cues))
    if len(units) < 2 * _LEAST:
        return []
    rows = _bags([[stem for at in unit for stem in stems(cues[at].text)] for unit in units])
    alike = [
        _cosine(rows[max(at - _AROUND, 0) : at].sum(axis=0), rows[at : at + _AROUND].sum(axis=0)) for at in range(1, len(units))
    ]
    found: list[int] = []
    for deep, at in sorted(((_deep(alike, at), at) for at in range(len(alike))), reverse=True):
        if deep < depth:
            break
        if min(at + 1, len(units) - at - 1, *(abs(at - other) for other in found)) >= _LEAST:
            found.append(at)
    return [cues[units[at + 1][0]].start for at in sorted(found)]


def split(document: Document) -> Iterator[Document]:
    """A document for each clip of a video's, with the parts that begin in it; the document itself where it is one clip. `n` of the parts stay,
    `meta["clip"]` says from when to when each is."""
    marks = [float(mark) for mark in document.meta.get(CLIPS, "").split()]
    if not marks:
        yield document
        return
    edges = [0.0, *marks, math.inf]
    rest = {key: value for key, value in document.meta.items() if key != CLIPS}
    for ordinal, (start, end) in enumerate(pairwise(edges)):
        parts = tuple(part for part in document.parts if start <= _time(part.place) < end)
        until = document.meta.get("duration", "") if end == math.inf else f"{end:.1f}"
        if parts:
            yield document.evolve(
                id=document_id(document.source, ordinal), parts=parts, meta={**rest, "clip": f"{start:.1f}-{until}"}
            )  # fmt: skip


def stems(text: str) -> list[str]:
    """What a text's words are told by: their first letters; pairs of characters in scripts without spaces.

    >>> stems("The painter paints")
    ['the', 'painte', 'paints']
    """
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        found += [a + b for a, b in pairwise(word)] if _UNSPACED.search(word) else [word[:_STEM]]
    return found


def _units(cues: Sequence[Said]) -> Iterator[list[int]]:
    """Cues that follow each other, by number, with `_UNIT` words together."""
    unit: list[int] = []
    count = 0
    for at, cue in enumerate(cues):
        unit.append(at)
        count += len(stems(cue.text))
        if count >= _UNIT:
            yield unit
            unit, count = [], 0
    if unit:
        yield unit


def _bags(units: Sequence[Sequence[str]]) -> NDArray[np.float32]:
    """Units as vectors of how often they have each word. Words that many units have say little."""
    having = Counter(stem for unit in units for stem in set(unit))
    columns = {stem: at for at, stem in enumerate(stem for stem, n in having.items() if n > 1)}
    rows = np.zeros((len(units), max(len(columns), 1)), np.float32)
    for row, unit in zip(rows, units, strict=True):
        for stem in unit:
            if stem in columns:
                row[columns[stem]] += math.log(len(units) / having[stem])
    return rows


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else 0.0


def _deep(alike: Sequence[float], at: int) -> float:
    """How far the likeness at a gap lies below the peaks on its two sides, the lesser of the two."""
    return min(_peak(alike, at, -1), _peak(alike, at, 1)) - alike[at]


def _peak(alike: Sequence[float], at: int, step: int) -> float:
    best = alike[at]
    reach = at + step
    while 0 <= reach < len(alike) and abs(reach - at) <= _AROUND:
        best = max(best, alike[reach])
        reach += step
    return best


def _time(place: str) -> float:
    start = place.removeprefix("time:").partition("-")[0]
    return float(start) if place.startswith("time:") and start else 0.0
