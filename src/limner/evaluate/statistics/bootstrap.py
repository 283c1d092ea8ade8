"""Means and other statistics with intervals, clustered by item family.

*Of a mean* (`mean`): at each end the wider of two intervals, so that where one is known to fall short the other holds.

1. Student's t on the cluster-robust standard error with few-cluster corrections: CR2 and Satterthwaite's degrees of freedom (Bell and McCaffrey
   2002). It falls short where scores are skewed: 90 to 93 % instead of 95 % at 30 clusters.
2. The bootstrap-t over clusters (Efron 1982; Cameron, Gelbach and Miller 2008), whose quantiles follow the skew. It falls short where scores are
   so alike that many resamples have no variation; those are left out, and its quantiles are not taken beyond three of Student's.

Where the ends of the scale are known both are made on the logit of the mean's place between them (Korn and Graubard 1998 for survey proportions), so
that they stay within the scale and are not symmetric near its ends. Scores that are all alike have a clustered rule of three: values that none of G
clusters showed are, at 95 %, in less than 1 - 0.025^(1/G) of all. The method was chosen by measurement, and `bench/evaluate/coverage.py` measures it
beside the plain percentile bootstrap, t alone and the bootstrap-t alone: see `docs/benchmarks.md`.

*Of any other statistic* (`statistic`): the wider at each end of Student's t on the jackknife over clusters, on the logit scale (Fisher's, from -1
to 1) where the ends are known, and the expanded percentile bootstrap (Hesterberg 2015).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import expit, logit

from limner.evaluate.statistics.clusters import (
    Ends,
    Floats,
    Interval,
    Resampling,
    StatisticsError,
    codes,
    means,
    resamples,
    scores,
    summed,
)

_FARTHEST = 3.0  # quantiles of the bootstrap-t over those of Student's t
_MANY = 3_000  # clusters from which Student's t holds alone: what skew is left in a mean of so many is small
_SAME = 1e-9  # of the range or the mean square: what rounding leaves of no variation


def mean(
    values: ArrayLike, clusters: Sequence[Hashable], ends: Ends | None = None, settings: Resampling | None = None
) -> Interval:
    """The mean of scores over items with its interval. `ends` are the least and largest score there can be; of scores that are all 0 or 1 they are
    taken to be these. Raises `StatisticsError` for no scores, ones that are not finite, or ones outside of the ends.

    One cluster, or scores all alike on a scale without ends, tell nothing of others: the interval is infinite.

    >>> found = mean([1, 1, 0, 1, 1, 1], ["a", "a", "b", "c", "d", "e"])
    >>> round(found.value, 3), found.clusters, found.low > 0.1, found.high < 1
    (0.833, 5, True, True)
    """
    settings = settings or Resampling()
    found = scores(values, ends)
    if ends is None and np.isin(found, (0.0, 1.0)).all():
        ends = (0.0, 1.0)
    numbers, count = codes(clusters, len(found))
    sums, counts = summed(found, numbers, count)[None], summed(np.ones(len(found)), numbers, count)[None]
    low, high = mean_intervals(sums, counts, ends, settings)
    each = means(sums, counts)
    error = float(np.sqrt(each.variance[0]))
    value = float(found.mean())
    return Interval(
        value,
        min(float(low[0]), value),
        max(float(high[0]), value),
        error,
        float(each.freedom[0]),
        len(found),
        count,
        settings.level,
    )


def mean_intervals(
    sums: Floats, counts: Floats, ends: Ends | None = None, settings: Resampling | None = None
) -> tuple[Floats, Floats]:
    """The ends of the intervals of many studies at once, from the sums of scores and counts of items of their clusters (studies, clusters)."""
    settings = settings or Resampling()
    studies, clusters = sums.shape
    if ends is not None:
        sums = (sums - ends[0] * counts) / (ends[1] - ends[0])
    each = means(sums, counts)
    scale = 1.0 if ends is not None else np.maximum(np.abs(each.value), 1e-300)
    same = ~(each.variance > (_SAME * scale) ** 2) if clusters > 1 else np.ones(studies, np.bool_)
    if ends is not None:
        same |= (each.value < _SAME) | (each.value > 1 - _SAME)
    student = np.asarray(stats.t.ppf(1 - settings.tail, np.maximum(each.freedom, 1e-3)))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if 1 < clusters < _MANY:
            below, above = _quantiles(each.value, each.variance, each.residuals, counts, ends is not None, settings)
            below = np.clip(below, -_FARTHEST * student, -student)
            above = np.clip(above, student, _FARTHEST * student)
        else:
            below, above = -student, student
        error = np.sqrt(each.variance)
        if ends is None:
            return np.where(same, -np.inf, each.value - above * error), np.where(same, np.inf, each.value - below * error)
        value = np.clip(each.value, 0.0, 1.0)
        place, error = logit(value), error / (value * (1 - value))
        unseen = 1 - settings.tail ** (1 / clusters)
        low = np.where(same, value * (1 - unseen), expit(place - above * error))
        high = np.where(same, value + unseen * (1 - value), expit(place - below * error))
    return ends[0] + (ends[1] - ends[0]) * low, ends[0] + (ends[1] - ends[0]) * high


def _quantiles(
    value: Floats, variance: Floats, residuals: Floats, counts: Floats, bounded: bool, settings: Resampling
) -> tuple[Floats, Floats]:
    """Of the studentized means of the resamples, on the logit scale where they are bounded: two quantiles a study, NaN-free.

    The residuals' sums of powers under each resample are matrix products, so that thousands of studies cost little more than one."""
    clusters = counts.shape[1]
    pieces: list[Floats] = []
    squares, mixed, sizes = residuals**2, residuals * counts, counts**2
    for drawn in resamples(clusters, settings, len(counts)):
        many = counts @ drawn.T
        apart = (residuals @ drawn.T) / many
        spread = squares @ drawn.T - 2 * apart * (mixed @ drawn.T) + apart**2 * (sizes @ drawn.T)
        spread *= clusters / (clusters - 1) / many**2
        use = spread > _SAME * variance[:, None]
        moved = apart
        if bounded:
            there = value[:, None] + apart
            use &= (there > _SAME) & (there < 1 - _SAME)
            moved = (logit(there) - logit(value)[:, None]) * there * (1 - there)
        pieces.append(np.where(use, moved / np.sqrt(spread), np.nan))
    whole = np.sort(np.concatenate(pieces, 1), 1)  # NaN last
    used = (~np.isnan(whole)).sum(1)
    low = np.clip(np.floor(settings.tail * (used + 1)).astype(np.int64) - 1, 0, None)
    high = np.clip(np.ceil((1 - settings.tail) * (used + 1)).astype(np.int64) - 1, 0, np.maximum(used - 1, 0))
    row = np.arange(len(whole))
    enough = used >= whole.shape[1] / 2
    return np.where(enough, whole[row, low], 0.0), np.where(enough, whole[row, high], 0.0)


def statistic(
    function: Callable[[Floats], Floats],
    clusters: Sequence[Hashable],
    ends: Ends | None = None,
    settings: Resampling | None = None,
) -> Interval:
    """Any statistic with its interval. `function` takes weights of the items (some, items), whole numbers, how often each is in a sample, and returns
    the statistic of each sample (some,), NaN where it has none. Of a statistic with none for the items themselves the interval is infinite.

    >>> x = np.array([1.0, 2.0, 4.0, 8.0])
    >>> found = statistic(lambda weights: np.exp(weights @ np.log(x) / weights.sum(1)), ["a", "b", "c", "d"])
    >>> round(found.value, 3), found.low < found.value < found.high
    (2.828, True)
    """
    settings = settings or Resampling()
    items = len(clusters)
    if not items:
        raise StatisticsError("a statistic of no items is asked for")
    numbers, count = codes(clusters, items)
    value = float(function(np.ones((1, items)))[0])
    unknown = (-np.inf, np.inf) if ends is None else ends
    if count == 1 or np.isnan(value):
        return Interval(value, *unknown, np.inf, 0.0, items, count, settings.level)
    student = float(stats.t.ppf(1 - settings.tail, count - 1))
    error = _jackknife(function, numbers, count)
    # Hesterberg 2015, section 5.3: percentiles as far out as t and the missing sqrt(n / (n - 1)) ask
    wide = float(stats.norm.cdf(-student * np.sqrt(count / (count - 1))))
    drawn = np.concatenate([function(some[:, numbers]) for some in resamples(count, settings, items)])
    drawn = drawn[~np.isnan(drawn)]
    inside = np.quantile(drawn, (wide, 1 - wide)) if 2 * len(drawn) >= settings.resamples else np.array(unknown)
    around = _around(value, error, student, ends, 1 - settings.tail ** (1 / count))
    low, high = min(around[0], float(inside[0]), value), max(around[1], float(inside[1]), value)
    return Interval(value, low, high, error, count - 1.0, items, count, settings.level)


def _jackknife(function: Callable[[Floats], Floats], numbers: NDArray[np.int64], clusters: int) -> float:
    """The standard error by leaving out each cluster; infinite where the statistic needs them all."""
    found: list[Floats] = []
    for start in range(0, clusters, 256):
        left = np.arange(start, min(start + 256, clusters))
        found.append(function((left[:, None] != numbers).astype(np.float64)))
    without = np.concatenate(found)
    without = without[~np.isnan(without)]
    return float(np.sqrt((clusters - 1) * np.mean((without - without.mean()) ** 2))) if len(without) else np.inf


def _around(value: float, error: float, student: float, ends: Ends | None, unseen: float) -> tuple[float, float]:
    """Student's interval, on the logit scale between the ends; the rule of three where nothing varies."""
    if ends is None:
        return value - student * error, value + student * error
    low, high = ends
    if error == 0 or not np.isfinite(error):
        return value - unseen * (value - low), value + unseen * (high - value)
    if not low < value < high:
        return value, value
    place = (value - low) / (high - low)
    step = student * error / (high - low) / (place * (1 - place))
    return low + (high - low) * float(expit(logit(place) - step)), low + (high - low) * float(expit(logit(place) + step))
