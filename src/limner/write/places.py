"""Where an author puts images, learnt from documents that have them: a small model of places and of choices.

The places of a text are the ends of its parts. For each place and image there are figures of how their words go together, and for each place
figures of its own (what kind of part ends there, whether it points at something, how its section goes on). Weights on these are fitted by
conditional logit (McFadden 1974): the author's place of an image against all other places of the text, the author's image of a place against
images of other places. Corpora differ in their habits (before what is said, or after it), so weights are learnt from the corpus that is written
for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from limner.curate.align import sentences
from limner.curate.steps import image_words, title
from limner.document import Document, Image, Text
from limner.experts.onnx import Floats
from limner.search.analysis import kind as kind_of
from limner.write.likeness import by_words
from limner.write.placing import small

Embed = Callable[[Sequence[str]], Floats]
"""Texts to rows of length one in a space of meanings: `TextEncoder.embed`, or one that remembers."""

WORDS = 60
"""Words of an image, and a hundred of a text, that are looked at."""

_TEXT = 600  # characters
_NUMBER = re.compile(r"\A\W*(?:figure|fig|abb\w*|table|image|plate)\.?\s*[A-Z]?\d+(?:[.\-–]\d+)*\s*[.:|–—-]?\s*", re.IGNORECASE)
_POINTS = re.compile(
    r"\b(?:below|following|shown?|shows|figures?|fig|screenshots?|pictures?|images?|diagram|plot|illustrat\w+|examples?|see|look)\b",
    re.IGNORECASE,
)
_COLON = re.compile(r"[:：]\s*\Z")
_ROLES = ("heading", "list", "code", "table", "formula", "quote")
_PENALTY = 1.0


@dataclass(frozen=True)
class Article:
    """A document with its images taken out: its texts without captions, the images, their words (without the number of the figure), and the
    places they stood at: the number of the text before each."""

    name: str
    language: str
    texts: tuple[Text, ...]
    images: tuple[Image, ...]
    words: tuple[str, ...]
    places: tuple[int, ...]

    @property
    def headings(self) -> tuple[str, ...]:
        """The heading that each text stands under, its own where it is one."""
        found: list[str] = []
        for text in self.texts:
            found.append(text.text if text.role == "heading" or not found else found[-1])
        return tuple(found)


def article(document: Document, least: int = 5, most: int = 150) -> Article | None:
    """The article of an illustrated document; None for one without images that have words, with fewer or more texts than `least` and `most`,
    or with fewer than two texts an image, which is a gallery.

    >>> parts = Text(0, "Crop", "heading", 1), Text(1, "Draw a box."), Image(2, ref="a" * 64), Text(3, "Figure 2. A box", "caption", of=2)
    >>> a = article(Document("d", parts), least=1)
    >>> [text.text for text in a.texts], a.words, a.places
    (['Crop', 'Draw a box.'], ('A box',), (1,))
    """
    texts: list[Text] = []
    found: dict[str, tuple[Image, str, int]] = {}
    for part in document.parts:
        if isinstance(part, Text) and part.of is None and part.role != "caption" and part.text.strip():
            texts.append(part)
        elif isinstance(part, Image) and part.ref and texts and not small(part):
            words = " ".join(_NUMBER.sub("", image_words(document, part)).split()[:WORDS])
            if words:
                found.setdefault(part.ref, (part, words, len(texts) - 1))
    if not found or not least <= len(texts) <= most or 2 * len(found) > len(texts):
        return None
    images, words, places = zip(*found.values(), strict=True)
    return Article(title(document), document.language, tuple(texts), images, words, places)


def gaps(given: Article) -> Floats:
    """G x S: what each of the G places of an article is like, whatever image may come there."""
    texts = given.texts
    starts = [i for i, text in enumerate(texts) if text.role == "heading" or i == 0]
    first = {i: end - i for i, end in pairwise([*starts, len(texts)])}
    rows: list[list[float]] = []
    start = 0
    for i, text in enumerate(texts):
        start = i if i in first else start
        after = texts[i + 1] if i + 1 < len(texts) else None
        last = i - start == first[start] - 1
        here = [text.role == role for role in _ROLES]
        next_ = [after is not None and after.role == role for role in _ROLES]
        edges = [after is None, last, i == start, i == start + 1, i == 0, text.role == "heading" and text.level <= 1]
        points = [len(text.text.split()) < 12, bool(_COLON.search(text.text)), bool(_POINTS.search(text.text[-200:]))]
        rows.append([*map(float, (*here, *next_, *edges, *points)), 1 / (1 + i)])
    return np.array(rows, np.float32)


def content(given: Article, words: Sequence[str], embed: Embed | None = None) -> Floats:
    """G x C x K: how each place of an article and each image go together by their words: the text before, the next of its section, the
    heading, the last sentence, the whole section; by shared words and, with an encoder of texts, by meaning."""
    kind = kind_of(given.language)
    texts = [text.text[:_TEXT] for text in given.texts]
    lasts = [cut[-1] if (cut := sentences(text.text[-2000:])) else "" for text in given.texts]
    sections = np.cumsum([text.role == "heading" for text in given.texts])
    goes_on = np.append(sections[1:] == sections[:-1], False)[:, None]
    whole = _alike(texts, words, kind, embed)
    planes: list[Floats] = []
    for before, heading in zip(whole, _alike(given.headings, words, kind, embed), strict=True):
        planes += [before, np.vstack([before[1:], np.zeros((1, len(words)), np.float32)]) * goes_on, heading]
    mean = np.mean(whole, axis=0)
    section = np.stack([mean[sections == number].mean(axis=0) for number in sections])
    return np.stack([*planes, by_words(lasts, words, kind), section], axis=-1).astype(np.float32)


def _alike(ones: Sequence[str], others: Sequence[str], kind: str, embed: Embed | None) -> list[Floats]:
    found = [by_words(ones, others, kind)]
    if embed:
        found.append(embed(ones) @ embed(others).T)
    return found


@dataclass(frozen=True)
class Habit:
    """Weights of a corpus: `place` on a gap's own figures and on those it shares with an image, `choice` on the latter alone, `spot` on the
    former with a constant, for whether an image comes there at all, which it does above `least`."""

    place: Floats
    choice: Floats
    spot: Floats
    least: float

    def places(self, gap: Floats, both: Floats) -> NDArray[np.intp]:
        """C: the place of each image; two may share one."""
        return (np.concatenate([np.broadcast_to(gap[:, None], (*both.shape[:2], gap.shape[1])), both], -1) @ self.place).argmax(
            axis=0
        )

    def choose(self, both: Floats) -> Floats:
        """G x C: how well each image suits each place."""
        return both @ self.choice

    def spots(self, gap: Floats) -> Floats:
        """G: how likely an image comes at each place; above `least` one does."""
        return (1 / (1 + np.exp(-(gap @ self.spot[1:] + self.spot[0])))).astype(np.float32)


@dataclass(frozen=True)
class Example:
    """An article as figures: G x S, G x C x K, and the places of its C images."""

    gap: Floats
    both: Floats
    places: NDArray[np.intp]


def example(given: Article, embed: Embed | None = None) -> Example:
    """The figures of an article and of its own images."""
    return Example(gaps(given), content(given, given.words, embed), np.array(given.places))


def learn(examples: Sequence[Example], strangers: Sequence[Floats]) -> Habit:
    """The habit of the authors of these articles. `strangers` are, an article each, the G x N x K figures of its places with images of others."""
    placed = [(np.concatenate([e.gap, e.both[:, c]], axis=1), int(at)) for e in examples for c, at in enumerate(e.places)]
    chosen = [
        (np.vstack([e.both[at, c][None], other[at]]), 0)
        for e, other in zip(examples, strangers, strict=True)
        for c, at in enumerate(e.places)
    ]
    gap = np.concatenate([e.gap for e in examples])
    has = np.concatenate([np.isin(np.arange(len(e.gap)), e.places) for e in examples])
    spot = _fit(
        [(np.array([[0.0] * (gap.shape[1] + 1), [1.0, *row]], np.float32), int(y)) for row, y in zip(gap, has, strict=True)]
    )
    habit = Habit(_fit(placed), _fit(chosen), spot, 0.5)
    return Habit(habit.place, habit.choice, spot, best_threshold(habit.spots(gap), has))


def best_threshold(scores: Floats, truth: NDArray[np.bool_]) -> float:
    """The threshold on scores at which F1 is greatest.

    >>> float(best_threshold(np.array([0.9, 0.8, 0.1], np.float32), np.array([True, True, False]))) > 0.1
    True
    """
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    at = int(f1.argmax())
    below = scores[order[at + 1]] if at + 1 < len(order) else scores[order[at]] - 1
    return float((scores[order[at]] + below) / 2)


def _fit(choices: Sequence[tuple[Floats, int]]) -> Floats:
    """The weights under which the chosen row of each table is likeliest, small ones before great ones."""
    sizes = np.array([len(table) for table, _ in choices])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    rows = np.concatenate([table for table, _ in choices]).astype(np.float64)
    chosen = starts + np.array([at for _, at in choices])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = rows @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, starts), sizes)
        share = np.exp(scores)
        total = np.add.reduceat(share, starts)
        share /= np.repeat(total, sizes)
        value = -(scores[chosen].sum() - np.log(total).sum()) + _PENALTY * weights @ weights / 2
        return float(value), rows.T @ share - rows[chosen].sum(axis=0) + _PENALTY * weights

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x, np.float32)
