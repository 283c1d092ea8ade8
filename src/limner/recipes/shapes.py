"""Pictures in their own proportions as sequences of tasks: codes in rows and columns, names, silhouettes.

Clip art and emoji by `limner.sources.pairs`. Codes are the nearest of k means of patches, so that they are those of any shape.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from limner.corpus.pixels import Pixels, thumbnail
from limner.errors import MediaError
from limner.models.flat_images import FlatImages
from limner.models.sequence import Piece, words
from limner.models.sequence import Sequence as Whole
from limner.models.vocabulary import Vocabulary
from limner.recipes.untrained import PatchCodes, Patches
from limner.sources.pairs import pairs, part

TASKS = ("draw", "name", "mask", "fill")
PATCH = 8
"""Pixels of a side."""

_WIDEST = 3.0  # of a picture, in proportion
_WHITE = 235
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """Images have `large` codes at most, of `entries`, of patches' `channels` components; words are of a `vocabulary` of pieces."""

    large: int = 25
    entries: int = 256
    channels: int = 24
    vocabulary: int = 1_024


@dataclass(frozen=True, eq=False)
class Shown:
    """Pictures of a part of the split and their names."""

    names: tuple[str, ...]
    pictures: tuple[Pixels, ...]

    def spread(self, most: int) -> Shown:
        """At most so many of them, evenly from first to last."""
        at = np.unique(np.linspace(0, len(self.names) - 1, min(most, len(self.names))).round().astype(int))
        return Shown(tuple(self.names[i] for i in at), tuple(self.pictures[i] for i in at))


@cache
def shown(data: tuple[str, ...], most: int, side: int) -> dict[str, Shown]:
    """Pictures in their own proportions, none longer than `side` pixels, by the part of the split."""
    found: dict[str, list[tuple[str, Pixels]]] = {"train": [], "tune": [], "test": []}
    for name in data:
        every = list(pairs(name))
        for pair in every if len(every) <= most else random.Random(0).sample(every, most):
            try:
                picture = thumbnail(pair.image, side)
            except MediaError:
                continue
            if max(picture.shape[:2]) <= _WIDEST * min(picture.shape[:2]):
                found[part(pair.concept)].append((pair.text.casefold(), picture))
    return {name: Shown(tuple(n for n, _ in some), tuple(p for _, p in some)) for name, some in found.items()}


def shape_of(picture: Pixels, area: int) -> tuple[int, int]:
    """Rows and columns of codes, of at most `area`, that are nearest to a picture's proportions; of equally near ones the most.

    >>> shape_of(np.zeros((50, 90, 3), np.uint8), 36), shape_of(np.zeros((9, 9, 3), np.uint8), 16)
    ((4, 7), (4, 4))
    """
    wide = picture.shape[1] / picture.shape[0]
    every = [
        (rows, columns) for rows in range(1, area + 1) for columns in range(1, area // rows + 1) if 4 * rows * columns >= 3 * area
    ]
    return min(every, key=lambda shape: (round(abs(np.log(shape[1] / shape[0] / wide)), 6), -shape[0] * shape[1]))


def fitted(picture: Pixels, shape: tuple[int, int]) -> Pixels:
    """A picture on white, as large as so many rows and columns of patches."""
    return np.asarray(ImageOps.pad(Image.fromarray(picture), (PATCH * shape[1], PATCH * shape[0]), color="white"))


def silhouette(picture: Pixels) -> Pixels:
    """Black where a picture is not white."""
    dark = (picture.min(2) < _WHITE)[:, :, None]
    return np.where(np.repeat(dark, 3, 2), 0, 255).astype(np.uint8)


class Writer:
    """Makes sequences of names, pictures and tasks; with `marked` off images are codes alone."""

    def __init__(self, s: Drawn, train: Shown, marked: bool = True) -> None:
        self.s = s
        self.vocabulary = Vocabulary.learnt([*train.names, *TASKS * 100], s.vocabulary)
        some = [fitted(picture, (4, 4)) for picture in train.pictures]
        self.codes = PatchCodes(Patches([*some, *map(silhouette, some[::4])], PATCH, s.channels), s.entries)
        self.flat = FlatImages(self.vocabulary.size, s.entries, s.large, marked)

    def code(self, picture: Pixels, area: int) -> Codes:
        """A picture as codes in its proportions."""
        return self.codes.encoded(fitted(picture, shape_of(picture, area)))

    def said(self, text: str, loss: float = 1.0) -> Piece:
        """Words."""
        return words(self.vocabulary.encode(text), loss)

    def image(self, codes: Codes, loss: float = 1.0, marks: float = 1.0) -> tuple[Piece, ...]:
        """An image; how much its codes and its marks count."""
        m = self.vocabulary.marks
        ids = self.flat.ids(codes)
        pieces = [words([id], loss if id < self.flat.first + self.s.entries else marks) for id in ids]
        if loss == marks:
            pieces = [words(ids, loss)]
        return (words([m.image], marks), *pieces, words([m.closed], marks))

    def start(self) -> Piece:
        """The beginning of a sequence."""
        return words([self.vocabulary.marks.start], 0.0)

    def task(self, task: str, name: str, picture: Codes, mask: Codes) -> Whole:
        """A sequence of a task, all of which counts."""
        asks, end = self.said(task), words([self.vocabulary.marks.end])
        pieces = {
            "draw": (self.said(name), *self.image(picture)),
            "name": (*self.image(picture), asks, self.said(f" {name}")),
            "mask": (*self.image(picture), asks, *self.image(mask)),
            "fill": (*self.image(mask), asks, self.said(f" {name}"), *self.image(picture)),
        }[task]
        return Whole((self.start(), *pieces, end))

    def sequences(self, of: Shown, area: int, tasks: Sequence[str]) -> list[Whole]:
        """Each picture in each task."""
        found: list[Whole] = []
        for name, picture in zip(of.names, of.pictures, strict=True):
            codes, mask = self.code(picture, area), self.code(silhouette(picture), area)
            found += [self.task(task, name, codes, mask) for task in tasks]
        return found
