"""Where images go among texts, and which image goes there: an assignment by how well their words fit, each image once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from limner.curate.align import assign
from limner.document import Document, Image, Text
from limner.experts.onnx import Floats
from limner.write.likeness import likeness

LEAST = 0.25
"""The least fit of an image that is placed at all; chosen by the recipe xcomposer on documents of other corpora."""

NEXT, SAME = 0.35, 0.15
"""What it adds that the author put the image right after the text, or into its section."""

_SMALL = 48  # pixels: smaller ones are icons
_REACH = 3  # parts from a text to an image that is right after it


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that may be placed: its words (captions, alternative text, what is read in it), and where it stands."""

    image: Image
    words: str
    document: str


def fits(texts: Sequence[str], candidates: Sequence[Candidate], address: str = "", kind: str = "english") -> Floats:
    """T x C: how well each image fits each text, by the words of both."""
    return likeness(texts, [candidate.words for candidate in candidates], address, kind)


def placed(fit: Floats, most: int | None = None, least: float = LEAST) -> dict[int, int]:
    """Which image (column) goes after which text (row): the pairs of greatest sum, none below `least`, no image and no text twice, the best `most`.

    >>> placed(np.array([[0.9, 0.8], [0.7, 0.1], [0.2, 0.2]], np.float32))
    {0: 1, 1: 0}
    """
    if not fit.size:
        return {}
    pairs = [(row, column) for row, column in assign(np.where(fit >= least, fit, -1.0)) if fit[row, column] >= least]
    pairs.sort(key=lambda pair: -float(fit[pair]))
    return dict(sorted(pairs[:most]))


def small(image: Image) -> bool:
    """Whether it is an icon."""
    return 0 < image.width < _SMALL or 0 < image.height < _SMALL


def stands(document: Document, n: int) -> dict[int, float]:
    """How close the images of a document stand to its text `n`: `NEXT` for those right after it, `SAME` for the rest of its section."""
    parts = document.parts
    at = next((i for i, part in enumerate(parts) if part.n == n), None)
    if at is None:
        return {}
    found: dict[int, float] = {}
    start = next((i for i in range(at, -1, -1) if _heading(document, i)), 0)
    end = next((i for i in range(at + 1, len(parts)) if _heading(document, i)), len(parts))
    for i in range(start, end):
        if isinstance(parts[i], Image):
            between = sum(1 for part in parts[at + 1 : i] if isinstance(part, Text) and part.of is None)
            found[parts[i].n] = NEXT if i > at and i - at <= _REACH and not between else SAME
    return found


def _heading(document: Document, at: int) -> bool:
    part = document.parts[at]
    return isinstance(part, Text) and part.role == "heading"
