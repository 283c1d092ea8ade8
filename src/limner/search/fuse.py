"""Several rankings made one: what each says of a unit, weighed and added.

Words and pixels give shares: of the words asked for, of the best image's likeness. What a likeness of texts says depends on whether their encoder
knows the language. Where it does, likeness has a scale, and to the third power it tells best. Where it does not, everything may be alike, and only
how far a unit stands out says anything: the best of many chance likenesses fall off exponentially, so that their excess over the last of them is
measured by its own mean ("peaks over a threshold", Pickands 1975, Annals of Statistics 3), and counts beside the best share of words, however small
that is. The form and the weights were chosen on other documents than those measured (bench/search/tune.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


class Weights(NamedTuple):
    """How much a ranking by words, by the meaning of texts and by pixels counts.

    `text` counts with a text's likeness, `stands` with each mean excess by which it stands out. `sure` is the part of `text` that is lost where
    a unit has all the words that were asked for, in its name too: then it is asked for by name. Where the best has half of them, half of that
    part is. Of `stands` all is lost there, and seven eighths where the best has half.
    """

    words: float = 1.0
    text: float = 1.0
    pixels: float = 1.0
    sure: float = 0.0
    stands: float = 0.0


KNOWN = Weights(1.0, 2.0, 0.5, 0.8)
"""Where the text encoder knows the language. That of pixels is the least that comes within 3 % of the best on tuning sets of images (clip art of part
`tune`, sklearn-doc): up to four times as much is no better there, and where much is said of images it is worse."""

ACROSS = Weights(1.0, 0.2, 0.0, 1.0)
"""Where it knows the language of a unit but not that of the question. Standing out was tried here too and did well on the handbook, but was seen to
fail on German captions asked of the English GIMP manual; the weights are those that were held before."""

KIN = Weights(1.0, 0.0, 0.0, stands=0.2)
"""Where it does not know that of the unit, but reads the question's script, and in it names, loans and stems."""

FOREIGN = Weights(1.0, 0.0, 0.0, stands=0.08)
"""Where it reads little more than characters."""

SHARP = 3.0
"""The power of likeness: half as alike counts an eighth."""

CREDIBLE = {"bundled:limner-pairs": (0.40, 0.60)}
"""By the address of a joint encoder, two cosines: where the best image for a text is less alike than the first, the text is of something that
the encoder does not know; above the second, of something that it does. Of questions about clip art that was not trained on (part `tune`), one
in ten finds nothing more alike than the first, one in four something more alike than the second (bench/search/images.py)."""


def standing(scores: Scores) -> Scores:
    """How far each score stands out of its ranking: its excess over the last one, in mean excesses; zeros where all are alike.

    >>> standing(np.array([0.8, 0.5, 0.5]))
    array([3., 0., 0.])
    """
    excess = scores - scores.min(initial=np.inf)
    mean = excess.mean() if len(excess) else 0.0
    return excess / mean if mean > 0 else np.zeros_like(excess)


def fused(
    rankings: Mapping[str, Sequence[tuple[int, float]]], weigh: Callable[[int], Weights], most: int
) -> list[tuple[int, float, dict[str, float]]]:
    """Keys, fused scores and what each ranking gave, best first; what a ranking lacks counts nothing there. `weigh` gives a key's weights.

    >>> fused({"words": [(1, 0.9), (2, 0.5)], "text": [(2, 0.8)]}, lambda key: Weights(1.0, 1.0), 2)
    [(2, 1.012, {'words': 0.5, 'text': 0.8}), (1, 0.9, {'words': 0.9})]
    """
    named = min(1.0, max((score for _, score in rankings.get("words", ())), default=0.0))
    beside = (named or 1.0) * (1.0 - named) ** 3
    total: dict[int, float] = {}
    given: dict[int, dict[str, float]] = {}
    for name, ranking in rankings.items():
        scores = np.maximum([score for _, score in ranking], 0.0)
        told = (scores if name == "words" else scores**SHARP).tolist()
        out = standing(np.array([score for _, score in ranking])).tolist() if name == "text" else ()
        for at, (key, score) in enumerate(ranking):
            weights = weigh(key)
            if name == "text":
                each = weights.text * (1.0 - weights.sure * named) * told[at] + weights.stands * beside * out[at]
            else:
                each = getattr(weights, name) * told[at]
            total[key] = total.get(key, 0.0) + each
            given.setdefault(key, {})[name] = score
    best = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
    return [(key, score, given[key]) for key, score in best]
