"""How far grades go with labels, and whether those of one judge do so more than those of another: intervals over resampled families.

Any agreement will do that is a function of labels and grades: `pearson`, `kappa`, and those of `agreement`. Families are resampled whole, and both
judges with the same families, so that what makes an item hard for both leaves the difference as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from limner.evaluate.statistics.agreement import cohen
from limner.evaluate.statistics.bootstrap import statistic
from limner.evaluate.statistics.clusters import Floats, Interval, Resampling, scores

Agreement = Callable[[Floats, Floats], float]
"""Of labels and grades, from -1 to 1; NaN where there is none, since one of them never changes."""


def pearson(first: ArrayLike, second: ArrayLike) -> float:
    """Pearson's correlation; NaN where one judge gave one value only.

    >>> round(pearson([1, 2, 3], [1, 2, 4]), 3)
    0.982
    """
    one, two = (np.asarray(values, np.float64) for values in (first, second))
    one, two = one - one.mean(), two - two.mean()
    spread = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / spread if spread > 1e-12 else float("nan")


def kappa(labels: ArrayLike, grades: ArrayLike) -> float:
    """Cohen's kappa with quadratic weights of whole labels and grades, which are rounded. NaN where both have one value only."""
    return cohen(labels, np.rint(np.asarray(grades, np.float64)), "quadratic")


def agreeing(
    function: Agreement,
    labels: ArrayLike,
    grades: ArrayLike,
    clusters: Sequence[Hashable],
    settings: Resampling | None = None,
) -> Interval:
    """An agreement of grades with labels and its interval."""
    truth, given = scores(labels, what="labels"), scores(grades, what="grades")
    return statistic(lambda weights: _each(weights, lambda at: function(truth[at], given[at])), clusters, (-1.0, 1.0), settings)


def further(
    function: Agreement,
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    clusters: Sequence[Hashable],
    settings: Resampling | None = None,
) -> Interval:
    """By how much the first grades agree further with the labels than the second, of the same items, and its interval. A judge who gives all items
    one grade agrees with nothing: its agreement counts as 0.

    >>> from limner.evaluate.statistics.agreement import spearman
    >>> found = further(spearman, [1, 2, 3, 4], [1, 2, 3, 4], [1, 1, 1, 1], list("abcd"))
    >>> found.value, found.clusters
    (1.0, 4)
    """
    truth, one, two = (scores(values) for values in (labels, first, second))

    def difference(at: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        return float(np.nan_to_num(function(truth[at], one[at])) - np.nan_to_num(function(truth[at], two[at])))

    return statistic(lambda weights: _each(weights, difference), clusters, (-2.0, 2.0), settings)


def _each(weights: Floats, function: Callable[[np.ndarray[tuple[int], np.dtype[np.int64]]], float]) -> Floats:
    """The function of each sample (some,), from how often each item is in it (some, items)."""
    items = np.arange(weights.shape[1])
    return np.array([function(np.repeat(items, row.astype(np.int64))) for row in weights])
