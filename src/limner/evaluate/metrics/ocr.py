"""What was read in images against what stands there: words, characters, and words in their places.

`word_counts`, `accuracy` and `Errors.distance` are the measures of TextAtlasEval (Wang et al. 2025, arXiv 2502.07870): words
in lower case, cut at spaces, each of the image taking the first free one of the text that is 80 % like it; accuracy is
recall, and its CER is edits a character of the longer text. Its scores are of PaddleOCR's words; by another reader they are
others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from limner.evaluate.metrics.detection import Box, Counts, area, ious
from limner.evaluate.metrics.library import library
from limner.evaluate.metrics.text import Errors, character_errors

ALIKE = 80
"""Percent of two words' characters that must be common for TextAtlasEval to take them for one."""

_MOST = 20_000  # words read that are matched


def word_counts(read: str, wanted: str, alike: float = 100) -> Counts:
    """Words read, wanted, and right, each as often as it occurs, in any order. Below 100, words are also right that are so
    many percent like one (twice the common characters over those of both, rounded). Of what is read, words from the 20,000th
    on are all wrong."""
    own, other = read.lower().split(), wanted.lower().split()
    right = (Counter(own[:_MOST]) & Counter(other)).total() if alike >= 100 else _near(own[:_MOST], other, alike)
    return Counts(right, len(own), len(other))


def _near(own: Sequence[str], other: Sequence[str], alike: float) -> int:
    """How many find a free one that is like them, in their order, the first one first."""
    if not own or not other:
        return 0
    process: Any = library("rapidfuzz.process", "words that are alike")
    fuzz: Any = library("rapidfuzz.fuzz", "words that are alike")
    kinds = {word: i for i, word in enumerate(dict.fromkeys(other))}
    places = np.array([kinds[word] for word in other])
    free = np.ones(len(other), bool)
    near: dict[str, Any] = {}
    right = 0
    for word in own:
        if word not in near:
            near[word] = process.cdist([word], list(kinds), scorer=fuzz.ratio)[0].round() >= alike
        able = near[word][places] & free
        first = int(able.argmax())
        if able[first]:
            free[first] = False
            right += 1
    return right


def accuracy(read: str, wanted: str, alike: float = ALIKE) -> float:
    """The share of wanted words that were read; 0 where none is wanted."""
    found = word_counts(read, wanted, alike)
    return found.right / found.true if found.true else 0.0


def character_rate(read: str, wanted: str) -> Errors:
    """Edits of characters as they stand. `rate` is by the wanted text, `distance` by the longer (TextAtlasEval's)."""
    return character_errors(read, wanted)


@dataclass(frozen=True, slots=True)
class Region:
    """A place of an image where a text stands. Where `ignored`, it cannot be read, and to find it is neither right nor
    wrong."""

    text: str
    box: Box
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Spotted:
    """`places`: regions found where one is; `texts`: of these, those whose text is right too (end to end). They add up over
    images."""

    places: Counts
    texts: Counts

    def __add__(self, other: Spotted) -> Spotted:
        return Spotted(self.places + other.places, self.texts + other.texts)

    @property
    def accuracy(self) -> float:
        """The share of found regions that were read right; 0 where none was found."""
        return self.texts.right / self.places.right if self.places.right else 0.0


def spotted(found: Sequence[Region], true: Sequence[Region], threshold: float = 0.5, case: bool = False) -> Spotted:
    """Regions found in an image against those that are there, as ICDAR 2015's robust reading counts (Karatzas et al. 2015): a
    pair overlaps by more than `threshold`, one to one (as many pairs as there can be, of those the nearest); what lies by
    more than half on an ignored region is left out. Texts are compared without punctuation around them, and without case
    unless `case`."""
    ignored = [region.box for region in true if region.ignored]
    left = [region for region in found if not any(_inside(region.box, box) > 0.5 for box in ignored)]
    there = [region for region in true if not region.ignored]
    overlaps = ious([region.box for region in left], [region.box for region in there])
    pairs: list[tuple[int, int]] = []
    if overlaps.size:
        able = overlaps > threshold
        rows, columns = linear_sum_assignment(np.where(able, 1 + overlaps, 0.0), maximize=True)
        pairs = [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if able[i, j]]
    right = sum(_same(left[i].text, there[j].text, case) for i, j in pairs)
    return Spotted(Counts(len(pairs), len(left), len(there)), Counts(right, len(left), len(there)))


def _inside(box: Box, other: Box) -> float:
    """The share of a box that lies on another."""
    common = area((max(box[0], other[0]), max(box[1], other[1]), min(box[2], other[2]), min(box[3], other[3])))
    return common / area(box) if area(box) > 0 else 0.0


def _same(one: str, other: str, case: bool) -> bool:
    bare = [text.strip("!?.:,*\"()·[]/'“”‘’ ") for text in (one, other)]
    return bare[0] == bare[1] if case else bare[0].casefold() == bare[1].casefold()
