"""How alike texts are: by their words, weighed by how few texts have them, or by a text encoder."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from limner.experts.onnx import Floats
from limner.experts.text_encoder import text_encoder
from limner.search.analysis import terms

_MOST_CHARS = 2_000


def rarity(texts: Sequence[Sequence[str]]) -> dict[str, float]:
    """What each term weighs: the logarithm of how few of the texts have it."""
    counts = Counter(term for text in texts for term in set(text))
    return {term: math.log(1 + (len(texts) - count + 0.5) / (count + 0.5)) for term, count in counts.items()}


def by_words(ones: Sequence[str], others: Sequence[str], kind: str = "english") -> Floats:
    """N x M cosines of texts by their terms.

    >>> (by_words(["the crop tool"], ["crop an image", "save a file"]) > 0).tolist()
    [[True, False]]
    """
    cut = [terms(text[:_MOST_CHARS], kind) for text in (*ones, *others)]
    weights = rarity(cut)
    vectors: list[dict[str, float]] = []
    for text in cut:
        row = {term: weights[term] * (1 + math.log(count)) for term, count in Counter(text).items()}
        length = math.sqrt(sum(value * value for value in row.values())) or 1.0
        vectors.append({term: value / length for term, value in row.items()})
    left, right = vectors[: len(ones)], vectors[len(ones) :]
    return np.array(
        [[sum(value * b.get(term, 0.0) for term, value in a.items()) for b in right] for a in left], np.float32
    ).reshape(len(ones), len(others))


def by_meaning(ones: Sequence[str], others: Sequence[str], address: str) -> Floats:
    """N x M cosines of texts in the space of the encoder at `address`."""
    rows = text_encoder(address).embed([text[:_MOST_CHARS] for text in (*ones, *others)])
    return rows[: len(ones)] @ rows[len(ones) :].T


def likeness(ones: Sequence[str], others: Sequence[str], address: str = "", kind: str = "english") -> Floats:
    """N x M: the cosine by words; with the address of an encoder the mean of it and the cosine by meaning."""
    words = by_words(ones, others, kind)
    return words if not address or not words.size else np.asarray((words + by_meaning(ones, others, address)) / 2, np.float32)
