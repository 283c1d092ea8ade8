"""Several rankings made one: each score as a share of its ranking's best, weighed and added.

Weights and forms were chosen on debian-handbook (bench/search), for languages that the text encoder knows and for others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Weights(NamedTuple):
    """How much a ranking by words, by the meaning of texts and by pixels counts."""

    words: float = 1.0
    text: float = 1.0
    pixels: float = 1.0


KNOWN = Weights(1.0, 0.6, 0.2)
"""Where the text encoder knows the language."""

FOREIGN = Weights(1.0, 0.1, 0.0)
"""Where it does not."""


def fused(
    rankings: Mapping[str, Sequence[tuple[int, float]]], weigh: Callable[[int], Weights], most: int
) -> list[tuple[int, float, dict[str, float]]]:
    """Keys, fused scores and what each ranking gave, best first; what a ranking lacks counts nothing there. `weigh` gives a key's weights.

    >>> fused({"words": [(1, 8.0), (2, 4.0)], "text": [(2, 0.9)]}, lambda key: Weights(1.0, 1.0), 2)
    [(2, 1.5, {'words': 4.0, 'text': 0.9}), (1, 1.0, {'words': 8.0})]
    """
    total: dict[int, float] = {}
    given: dict[int, dict[str, float]] = {}
    for name, ranking in rankings.items():
        top = max((score for _, score in ranking), default=0.0)
        if top <= 0:
            continue
        for key, score in ranking:
            weight = getattr(weigh(key), name)
            total[key] = total.get(key, 0.0) + weight * max(score, 0.0) / top
            given.setdefault(key, {})[name] = score
    best = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
    return [(key, score, given[key]) for key, score in best]
