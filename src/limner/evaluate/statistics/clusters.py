"""Items in clusters: their sums, the clustered variance of a mean, resamples of clusters, and what an interval is.

Items of one family (an image, a document, a template) succeed and fail together, so that a family, and not an item, is what a study draws.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limner.errors import LimnerError

Floats = NDArray[np.float64]
Ends = tuple[float, float]
"""The least and the largest value there can be."""

_BLOCK = 4_000_000  # numbers held at once


class StatisticsError(LimnerError, ValueError):
    """Scores, clusters or verdicts of which a statistic cannot be had."""


@dataclass(frozen=True, slots=True)
class Resampling:
    """`level` of intervals, how many `resamples` of clusters are drawn for one, and the `seed` that fixes them."""

    level: float = 0.95
    resamples: int = 2_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.5 <= self.level < 1 or not 100 <= self.resamples <= 1_000_000:
            raise StatisticsError(f"a level of 0.5 to 1 and 100 to a million resamples are needed, not {self}")

    @property
    def tail(self) -> float:
        """The share left out at each end."""
        return (1 - self.level) / 2


@dataclass(frozen=True, slots=True)
class Interval:
    """A `value` with the ends of its interval, its clustered standard `error` and the degrees of `freedom` of that, and of how many items and
    clusters it is. An end that nothing is known of is infinite (`row` has None for it)."""

    value: float
    low: float
    high: float
    error: float
    freedom: float
    items: int
    clusters: int
    level: float = 0.95

    def row(self) -> dict[str, float | int | None]:
        """As JSON."""
        return {
            "value": finite(self.value), "low": finite(self.low), "high": finite(self.high), "error": finite(self.error),
            "freedom": finite(self.freedom), "items": self.items, "clusters": self.clusters, "level": self.level,
        }  # fmt: skip


def finite(number: float) -> float | None:
    """The number, None where JSON has no word for it."""
    return float(number) if math.isfinite(number) else None


def scores(values: ArrayLike, ends: Ends | None = None, what: str = "scores") -> Floats:
    """Values as a vector of finite numbers within their ends; raises `StatisticsError` for others."""
    found = np.asarray(values, np.float64)
    if found.ndim != 1 or not len(found):
        raise StatisticsError(f"{what} must be a list of at least one number, not of the shape {found.shape}")
    if wrong := int((~np.isfinite(found)).sum()):
        raise StatisticsError(f"{wrong} of {len(found)} {what} are not finite: leave out what has no score, and count it")
    if ends is not None and not (ends[0] < ends[1] and found.min() >= ends[0] and found.max() <= ends[1]):
        raise StatisticsError(f"{what} from {found.min():g} to {found.max():g} are not within {ends[0]:g} to {ends[1]:g}")
    return found


def codes(clusters: Sequence[Hashable], items: int) -> tuple[NDArray[np.int64], int]:
    """The number of each item's cluster, from 0 in order of appearance, and how many there are. Raises `StatisticsError` where there are not as many
    as items."""
    if len(clusters) != items:
        raise StatisticsError(f"{items} items have {len(clusters)} clusters: each has one")
    known: dict[Hashable, int] = {}
    found = np.fromiter((known.setdefault(cluster, len(known)) for cluster in clusters), np.int64, items)
    return found, len(known)


def summed(values: Floats, numbers: NDArray[np.int64], clusters: int) -> Floats:
    """The sums of the clusters' values (clusters,)."""
    return np.bincount(numbers, values, clusters).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Means:
    """Means of studies with their clustered variance (CR2), degrees of freedom (Satterthwaite), each of the shape (studies,), and residual sums of
    clusters (studies, clusters)."""

    value: Floats
    variance: Floats
    freedom: Floats
    residuals: Floats


def means(sums: Floats, counts: Floats) -> Means:
    """The mean over items of each study, whose clusters have these sums and counts (studies, clusters).

    CR2 is Bell and McCaffrey's bias-reduced linearization (2002): the residual of a cluster that holds the share w of the items is divided by
    sqrt(1 - w). Its degrees of freedom, under independent items, are clusters - 1 for equal sizes and fewer for unequal ones. Of one cluster the
    variance is infinite."""
    total = counts.sum(1, keepdims=True)
    share = counts / total
    value = sums.sum(1, keepdims=True) / total
    residuals = sums - value * counts
    if sums.shape[1] == 1:
        unknown = np.full(len(sums), np.inf)
        return Means(value[:, 0], unknown, np.zeros(len(sums)), residuals)
    variance = (residuals**2 / (1 - share)).sum(1) / total[:, 0] ** 2
    off = share**2 / (1 - share)
    freedom = 1 / ((share**2).sum(1) + off.sum(1) ** 2 - (off**2).sum(1))
    return Means(value[:, 0], variance, freedom, residuals)


def resamples(clusters: int, settings: Resampling, width: int = 0) -> Iterator[Floats]:
    """How often each cluster is drawn in each resample, (some resamples, clusters) at a time: as many as fit beside arrays of that `width`."""
    random = np.random.default_rng(settings.seed)
    rows = max(1, min(settings.resamples, _BLOCK // max(clusters, width)))
    for start in range(0, settings.resamples, rows):
        some = min(rows, settings.resamples - start)
        drawn = random.integers(0, clusters, (some, clusters)) + clusters * np.arange(some)[:, None]
        yield np.bincount(drawn.ravel(), minlength=some * clusters).reshape(some, clusters).astype(np.float64)
