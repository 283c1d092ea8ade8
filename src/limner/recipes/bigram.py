"""A bigram model, for recipes that compare what texts teach before there is a trainer: seconds of one core, and no weights."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise


def loss(stream: Sequence[str], test: Sequence[Sequence[str]], vocabulary: int) -> float:
    """Nats a word of texts by an interpolated bigram model of a stream of words (Jelinek & Mercer 1980; weights 0.5 on pairs, 0.5 on words with
    one added to each count). Models are compared at the same `vocabulary`, a number of words that holds those of all of them.

    >>> loss("a b a b".split(), ["a b a b".split()], 3) < loss("a b c c".split(), ["a b a b".split()], 3)
    True
    """
    single = Counter(stream)
    pairs = Counter(pairwise(stream))
    total, count = 0.0, 0
    for text in test:
        for before, word in pairwise(text):
            low = (single[word] + 1) / (len(stream) + vocabulary)
            high = pairs[before, word] / single[before] if single[before] else low
            total -= math.log(0.5 * high + 0.5 * low)
            count += 1
    return total / max(count, 1)
