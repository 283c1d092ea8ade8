"""How well scores tell whole documents from those with a defect: the area under the ROC curve, with an interval over documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Detection:
    """`auc`: how probable it is that a document without the defect is graded above another one with it, ties half (0.5: the judge knows nothing);
    `paired`: how probable that of the same document; each with its 95 % interval. `documents`: how many there are."""

    auc: float
    low: float
    high: float
    paired: float
    paired_low: float
    paired_high: float
    documents: int


Scores = Sequence[float] | NDArray[np.float64]


def detection(clean: Scores, worse: Scores, resamples: int = 2_000, seed: int = 0) -> Detection:
    """Of N documents the scores without the defect and with it, in the same order. Intervals are percentiles of a bootstrap over documents, each with
    both of its scores; a document is never held against its own copy. They are too short for fewer than some 30 documents. Of a single document there
    is no `auc` but 0.5.

    >>> found = detection([3, 4, 5], [1, 2, 5])
    >>> round(found.auc, 3), round(found.paired, 3), found.documents
    (0.667, 0.833, 3)
    """
    left, right = np.asarray(clean, float), np.asarray(worse, float)
    n = len(left)
    if n != len(right) or not n:
        raise ValueError(f"{n} scores without a defect, {len(right)} with one: one of each for every document, at least one")
    above: NDArray[np.float64] = (left[:, None] > right[None]) + 0.5 * (left[:, None] == right[None])
    own = np.diagonal(above).copy()
    np.fill_diagonal(above, 0.0)
    auc, paired = float(_auc(np.full((1, n), 1 / n), above)[0]), float(own.mean())
    if not resamples:
        return Detection(auc, auc, auc, paired, paired, paired, n)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), resamples) / n
    low, high = np.percentile(_auc(weights, above), (2.5, 97.5))
    paired_low, paired_high = np.percentile(weights @ own, (2.5, 97.5))
    return Detection(auc, float(low), float(high), paired, float(paired_low), float(paired_high), n)


def _auc(weights: NDArray[np.float64], above: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over pairs of different documents, each row of weights summing to one."""
    pairs = 1 - (weights**2).sum(axis=1)
    return np.where(pairs > 1e-9, ((weights @ above) * weights).sum(axis=1) / np.maximum(pairs, 1e-9), 0.5)
