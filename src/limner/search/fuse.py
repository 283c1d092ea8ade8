"""Several rankings made one: each score raised to the power that its ranking tells best by, weighed and added.

Scores are shares: of the words asked for, of the likeness left above chance. The form and the weights were chosen on other documents than those
measured (bench/search/tune.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Weights(NamedTuple):
    """How much a ranking by words, by the meaning of texts and by pixels counts.

    `sure` is the part of the meaning's weight that is lost where a unit has all the words that were asked for, in its name too: then it is
    asked for by name. Where the best has half of them, half of that part is.
    """

    words: float = 1.0
    text: float = 1.0
    pixels: float = 1.0
    sure: float = 0.0


KNOWN = Weights(1.0, 2.0, 0.2, 0.8)
"""Where the text encoder knows the language."""

FOREIGN = Weights(1.0, 0.2, 0.0, 1.0)
"""Where it does not."""

SHARP = {"words": 1.0, "text": 3.0, "pixels": 3.0}
"""The powers: half as alike counts an eighth, half of the words a half."""

CREDIBLE = {"bundled:limner-pairs": (0.40, 0.60)}
"""By the address of a joint encoder, two cosines: where the best image for a text is less alike than the first, the text is of something that
the encoder does not know; above the second, of something that it does. Of questions about clip art that was not trained on (part `tune`), one
in ten finds nothing more alike than the first, one in four something more alike than the second (bench/search/images.py)."""


def fused(
    rankings: Mapping[str, Sequence[tuple[int, float]]], weigh: Callable[[int], Weights], most: int
) -> list[tuple[int, float, dict[str, float]]]:
    """Keys, fused scores and what each ranking gave, best first; what a ranking lacks counts nothing there. `weigh` gives a key's weights.

    >>> fused({"words": [(1, 0.9), (2, 0.5)], "text": [(2, 0.8)]}, lambda key: Weights(1.0, 1.0), 2)
    [(2, 1.012, {'words': 0.5, 'text': 0.8}), (1, 0.9, {'words': 0.9})]
    """
    named = min(1.0, max((score for _, score in rankings.get("words", ())), default=0.0))
    total: dict[int, float] = {}
    given: dict[int, dict[str, float]] = {}
    for name, ranking in rankings.items():
        power = SHARP[name]
        for key, score in ranking:
            weights = weigh(key)
            weight = getattr(weights, name) * (1.0 - weights.sure * named if name == "text" else 1.0)
            total[key] = total.get(key, 0.0) + weight * max(score, 0.0) ** power
            given.setdefault(key, {})[name] = score
    best = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
    return [(key, score, given[key]) for key, score in best]
