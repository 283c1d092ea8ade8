"""Scores of a summary with figures against a reference: which points its text makes, and which figures it shows where.

After M-DocEval (Yan et al. 2025, M-DocSum, arXiv 2503.21839): a text score, the F1 of completeness and accuracy; an image score of the rate at which
paragraphs show the figure that the reference shows there (none counting as one) and of the Jaccard similarity of the figures shown; a total of form,
text and images, weighed 0.1, 0.45, 0.45. There a language model judges the text and both summaries have the same four paragraphs. Here
`write.support` judges (an encoder's address is optional), and paragraphs are assigned to the reference's by their words. How its image score
weighs the two is not known here: alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from limner.curate.align import assign, sentences
from limner.experts.onnx import Floats
from limner.search.analysis import terms
from limner.write.likeness import by_words
from limner.write.support import supported

Embed = Callable[[Sequence[str]], Floats]
WEIGHTS = {"form": 0.1, "text": 0.45, "image": 0.45}
_OVER = 1.5  # how many times the words that were asked for still are about so many


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of a summary and the figures that follow it, by the names of their files."""

    text: str
    figures: tuple[str, ...] = ()


Summary = tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: about so many words, at most so many figures, none but these."""

    words: int
    images: int
    figures: frozenset[str]


def shown(summary: Summary) -> list[str]:
    """The figures of a summary in their order, repeated ones again."""
    return [figure for paragraph in summary for figure in paragraph.figures]


def scored(
    summary: Summary, reference: Summary, asked: Asked, address: str = "", kind: str = "english", embed: Embed | None = None
) -> dict[str, float]:
    """The scores of a summary, each from 0 to 1. `reference` must show a figure at least. `address` is the encoder by which support is checked too,
    `embed` gives the rows of length 1 by which meanings are compared.

    `complete`  points (paragraphs of the reference) that the summary supports
    `accurate`  sentences of the summary that the reference supports
    `text`      F1 of both
    `terms`     F1 of the terms of both texts, repeated ones counted (ROUGE-1 without the words that carry nothing)
    `meaning`   F1 of how near the nearest sentence of the summary is to each point, and the other way round, in the mean (as BERTScore, Zhang et al.
                2020, with sentences for tokens); left out without `embed`
    `precision`, `recall`, `jaccard`  of the set of figures
    `match`     of the points that show a figure or have a paragraph: those where both show the same, none counting as such
    `place`     of the figures that both show: those that stand with the point that the reference has them with; left out where there are none
    `order`     of their pairs: those in the reference's order; left out where both show less than two
    `image`     the mean of `match` and `jaccard`
    `form`      how much of what was asked for it keeps: some text, its length, whose figures, how many, none twice
    `total`     `form`, `text` and `image` by `WEIGHTS`
    """
    said = [sentence for paragraph in summary for sentence in sentences(paragraph.text)]
    points = [paragraph.text for paragraph in reference]
    found = {
        "complete": _held(points, [paragraph.text for paragraph in summary], address, kind),
        "accurate": _held(said, points, address, kind),
        "terms": _terms(" ".join(said), " ".join(points), kind),
        **_figures(summary, reference, kind),
        "form": _form(summary, asked),
    }
    if embed:
        found["meaning"] = _meaning(said, points, embed)
    found["text"] = _f1(found["complete"], found["accurate"])
    found["image"] = (found["match"] + found["jaccard"]) / 2
    found["total"] = sum(weight * found[name] for name, weight in WEIGHTS.items())
    return found


def faithful(summary: Summary, sources: Sequence[str], address: str = "", kind: str = "english") -> float:
    """The share of a summary's sentences that the texts it was made of support; 0 for an empty one."""
    return _held([s for paragraph in summary for s in sentences(paragraph.text)], sources, address, kind)


def aligned(summary: Summary, reference: Summary, kind: str = "english") -> dict[int, int]:
    """Paragraphs of the summary by the points they are assigned to: one to one, of the greatest sum of likenesses, none without any.

    >>> aligned((Paragraph("Lenses bend light."), Paragraph("Cows.")), (Paragraph("Light is bent by a lens."),))
    {0: 0}
    """
    like = by_words([p.text for p in reference], [p.text for p in summary], kind)
    return {point: paragraph for point, paragraph in assign(like) if like[point, paragraph] > 0}


def _held(said: Sequence[str], sources: Sequence[str], address: str, kind: str) -> float:
    return sum(s.holds for s in supported(said, sources, address, kind)) / max(len(said), 1)


def _f1(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


def _terms(one: str, other: str, kind: str) -> float:
    ours, theirs = Counter(terms(one, kind)), Counter(terms(other, kind))
    both = (ours & theirs).total()
    return _f1(both / max(ours.total(), 1), both / max(theirs.total(), 1))


def _meaning(said: Sequence[str], points: Sequence[str], embed: Embed) -> float:
    if not said:
        return 0.0
    near = np.clip(embed(points) @ embed(said).T, 0.0, 1.0)
    return _f1(float(near.max(axis=1).mean()), float(near.max(axis=0).mean()))


def _figures(summary: Summary, reference: Summary, kind: str) -> dict[str, float]:
    ours, theirs = list(dict.fromkeys(shown(summary))), list(dict.fromkeys(shown(reference)))
    both = [figure for figure in theirs if figure in ours]
    of = aligned(summary, reference, kind)
    asked = [i for i, point in enumerate(reference) if point.figures or i in of]
    same = [i in of and set(summary[of[i]].figures) == set(reference[i].figures) for i in asked]
    found = {
        "precision": len(both) / max(len(ours), 1),
        "recall": len(both) / len(theirs),
        "jaccard": len(both) / len({*ours, *theirs}),
        "match": sum(same) / len(same),
    }
    if both:
        right = {f for i, j in of.items() for f in {*summary[j].figures} & {*reference[i].figures}}
        found["place"] = len(right) / len(both)
    if len(both) > 1:
        pairs = list(combinations(both, 2))
        found["order"] = sum(ours.index(a) < ours.index(b) for a, b in pairs) / len(pairs)
    return found


def _form(summary: Summary, asked: Asked) -> float:
    figures = shown(summary)
    words = sum(len(paragraph.text.split()) for paragraph in summary)
    kept = (
        words > 0, words <= _OVER * asked.words, _own(figures, asked.figures), len(figures) <= asked.images,
        len(figures) == len(set(figures)),
    )  # fmt: skip
    return sum(kept) / len(kept)


def _own(figures: Sequence[str], known: Collection[str]) -> bool:
    return all(figure in known for figure in figures)
