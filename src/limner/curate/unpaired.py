"""The images and the sentences of documents as two heaps that nobody has paired yet.

After RealSyn (Gu et al. 2025, arXiv 2502.12513, section on data extraction): images that are too small or too long go, then those that repeat
another; sentences that are too short, too long, or no prose go, then those that repeat another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.curate.align import sentences
from limner.curate.components import Components
from limner.document import Document, Image, Role, Text
from limner.experts.onnx import Floats

ROLES: tuple[Role, ...] = ("paragraph", "list", "quote")
"""Texts that sentences are taken from; captions are not, since they say which image is theirs."""

_ITEM = re.compile(r"\A(?:[-*•]|\d{1,3}\.)\s+")
_ADDRESS = re.compile(r"https?:|www\.|\S@\S")
_PICTOGRAPHS = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf]")
_CHUNK = 1_024


@dataclass(frozen=True)
class Rules:
    """What is kept.

    `side`     least pixels of an image's shorter side
    `ratio`    most that its longer side may be of the shorter
    `least`    fewest words of a sentence
    `most`     most words of a sentence
    `letters`  least share of letters among its characters that are no space
    """

    side: int = 100
    ratio: float = 3.0
    least: int = 3
    most: int = 81
    letters: float = 0.75

    def image(self, image: Image) -> bool:
        """Whether an image is kept, by its size.

        >>> Rules().image(Image(0, width=200, height=150)), Rules().image(Image(0, width=900, height=150))
        (True, False)
        """
        short, long = sorted((image.width, image.height))
        return short >= self.side and long <= self.ratio * short

    def sentence(self, sentence: str) -> bool:
        """Whether a sentence is kept.

        >>> Rules().sentence("The tool selects a region."), Rules().sentence("See https://example.org for the rest.")
        (True, False)
        """
        solid = "".join(sentence.split())
        return (
            self.least <= len(sentence.split()) <= self.most
            and sum(map(str.isalpha, solid)) >= self.letters * len(solid)
            and not _ADDRESS.search(sentence)
            and not _PICTOGRAPHS.search(sentence)
        )


def found(text: Text) -> Iterator[str]:
    """The sentences of a text of one of `ROLES`, white space made single spaces, without the marks of list items."""
    if text.role in ROLES:
        lines = (_ITEM.sub("", line.strip()) for line in text.text.splitlines())
        for sentence in sentences("\n".join(lines)):
            yield " ".join(sentence.split())


def same(sentence: str) -> str:
    """What sentences that repeat each other share: their letters, in lower case.

    >>> same("Step 1: Open it.") == same("Step 2: open it")
    True
    """
    return "".join(c for c in sentence.casefold() if c.isalpha())


def around(document: Document, n: int) -> tuple[Text | None, Text | None]:
    """The last text of `ROLES` before the part `n` of a document, and the first after it."""
    texts = [text for text in document.texts if text.role in ROLES]
    return (
        next((text for text in reversed(texts) if text.n < n), None),
        next((text for text in texts if text.n > n), None),
    )


def distinct(rows: Floats, least: float) -> NDArray[np.intp]:
    """The numbers of rows (N x D, of length one) that are left when of those alike only the first stays: a cosine of `least` or more joins
    two, and what is joined to one of a group is of the group. Takes time with the square of N."""
    groups = Components(len(rows))
    for first in range(0, len(rows), _CHUNK):
        near = np.argwhere(rows[first : first + _CHUNK] @ rows.T >= least)
        for a, b in near.tolist():
            if b < first + a:
                groups.join(first + a, b)
    return np.flatnonzero(groups.roots() == np.arange(len(rows)))


def levelled(groups: Sequence[int] | NDArray[np.integer], wanted: int, seed: int) -> NDArray[np.intp]:
    """`wanted` numbers of the members of groups, drawn so that no group has more than it must: small groups are taken whole, large ones up to one
    bound (RealSyn's semantic balance sampling, where groups are clusters of images). All where there are no more than `wanted`. Sorted.

    >>> [int(n) for n in levelled([0, 0, 0, 0, 0, 1, 2], 4, seed=0) if n > 4]
    [5, 6]
    """
    labels = np.asarray(groups)
    order = np.random.default_rng(seed).permutation(len(labels))
    # A member's place among those drawn of its group: places in order fill all groups evenly.
    by_group = order[np.argsort(labels[order], kind="stable")]
    sizes = np.unique(labels, return_counts=True)[1]
    place = np.empty(len(labels), np.intp)
    place[by_group] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(order[np.argsort(place[order], kind="stable")][:wanted])
