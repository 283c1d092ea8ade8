"""How far judges agree: Krippendorff's alpha, Cohen's kappa, Spearman's and Kendall's rank correlations, percent agreement; with clustered intervals.

Each is a function of ratings and, for intervals, of whole-number weights of the items (some, items): how often each is in a resample.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limner.evaluate.statistics.bootstrap import statistic
from limner.evaluate.statistics.clusters import Floats, Interval, Resampling, StatisticsError

Level = Literal["nominal", "ordinal", "interval", "ratio"]
Weighting = Literal["none", "linear", "quadratic"]
Name = Literal[
    "percent", "kappa", "kappa linear", "kappa quadratic", "spearman", "kendall",
    "alpha nominal", "alpha ordinal", "alpha interval", "alpha ratio",
]  # fmt: skip
NAMES: tuple[Name, ...] = get_args(Name)

_DISTINCT = 3_000  # values whose differences are held as a square


def krippendorff(ratings: ArrayLike, level: Level) -> float:
    """Krippendorff's alpha of ratings (judges, items), NaN where a judge gave none: 1 - D_o / D_e (Krippendorff 2011, "Computing Krippendorff's
    Alpha-Reliability"). Items that fewer than two judges rated say nothing; NaN where all ratings are alike.

    >>> round(krippendorff([[1, 2, 3, 3], [1, 2, 3, 1]], "nominal"), 3)
    0.667
    """
    table = _table(ratings)
    return float(_alpha(table, level, np.ones((1, table.shape[1])))[0])


def cohen(first: ArrayLike, second: ArrayLike, weighting: Weighting = "none") -> float:
    """Cohen's kappa of two judges (1960), or weighted (1968): `linear` and `quadratic` in the places of the values in order. NaN where both gave
    one value only.

    >>> round(cohen([1, 1, 2, 2], [1, 1, 2, 1]), 3)
    0.5
    """
    one, two = _pair(first, second)
    return float(_kappa(one, two, weighting, np.ones((1, len(one))))[0])


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's rank correlation, ties at their middle ranks; NaN where one judge gave one value only."""
    one, two = _pair(first, second)
    return float(_spearman(one, two, np.ones((1, len(one))))[0])


def kendall(first: ArrayLike, second: ArrayLike) -> float:
    """Kendall's tau-b; NaN where one judge gave one value only."""
    one, two = _pair(first, second)
    return float(_kendall(one, two, np.ones((1, len(one))))[0])


def percent(first: ArrayLike, second: ArrayLike) -> float:
    """The share of items to which both gave the same."""
    one, two = _pair(first, second)
    return float((one == two).mean())


def agreement(name: Name, ratings: ArrayLike, clusters: Sequence[Hashable], settings: Resampling | None = None) -> Interval:
    """An agreement of ratings (judges, items) with its interval over clusters of items. Two judges who rated every item, for all but alpha.

    >>> found = agreement("spearman", [[1, 2, 3, 4, 5, 6], [1, 3, 2, 4, 6, 5]], list("abcdef"))
    >>> round(found.value, 3), found.clusters
    (0.886, 6)
    """
    if name not in NAMES:
        raise StatisticsError(f"{name!r} is no agreement: {', '.join(NAMES)}")
    kind, _, how = name.partition(" ")
    if kind == "alpha":
        table = _table(ratings)
        _same(table.shape[1], clusters)
        return statistic(lambda weights: _alpha(table, how, weights), clusters, (-1.0, 1.0), settings)
    pair = np.asarray(ratings, np.float64)
    if pair.ndim != 2 or len(pair) != 2:
        raise StatisticsError(f"{name} is of two judges, not of ratings of the shape {pair.shape}")
    one, two = _pair(pair[0], pair[1])
    _same(len(one), clusters)
    if kind == "percent":
        return statistic(lambda weights: weights @ (one == two) / weights.sum(1), clusters, (0.0, 1.0), settings)
    if kind == "kappa":
        return statistic(lambda weights: _kappa(one, two, how or "none", weights), clusters, (-1.0, 1.0), settings)
    if kind == "spearman":
        return statistic(lambda weights: _spearman(one, two, weights), clusters, (-1.0, 1.0), settings)
    if (many := len(set(zip(one.tolist(), two.tolist(), strict=True)))) > _DISTINCT:
        raise StatisticsError(
            f"an interval of Kendall's tau is of at most {_DISTINCT} distinct pairs of values, these are {many}: round them"
        )
    return statistic(lambda weights: _kendall(one, two, weights), clusters, (-1.0, 1.0), settings)


def _same(items: int, clusters: Sequence[Hashable]) -> None:
    if len(clusters) != items:
        raise StatisticsError(f"ratings of {items} items have {len(clusters)} clusters: each item has one")


def _table(ratings: ArrayLike) -> Floats:
    table = np.asarray(ratings, np.float64)
    if table.ndim != 2 or table.shape[0] < 2 or not table.shape[1] or np.isinf(table).any():
        raise StatisticsError(
            f"ratings must be (judges, items) of at least two judges, finite or NaN, not of the shape {table.shape}"
        )
    return table


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    one, two = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.ndim != 1 or one.shape != two.shape or not len(one) or not (np.isfinite(one).all() and np.isfinite(two).all()):
        raise StatisticsError(f"two judges must have rated the same items, with finite values: {one.shape} and {two.shape}")
    return one, two


def _alpha(table: Floats, level: str, weights: Floats) -> Floats:
    """Alpha of each sample. Observed disagreement: over pairs within an item, each item's over its ratings less one; expected: over all pairs."""
    here = ~np.isnan(table)
    many = here.sum(0)
    use = many >= 2
    if not use.any():
        return np.full(len(weights), np.nan)
    table, here, many, weights = table[:, use], here[:, use], many[use], weights[:, use]
    values, at = np.unique(table[here], return_inverse=True)
    code = np.zeros(table.shape, np.int64)
    code[here] = at
    margins = _margins(at, len(values), weights[:, np.nonzero(here)[1]])
    whole = margins.sum(1)
    if level == "ordinal":
        # the metric sums the ratings between two values: it is the difference of their middle ranks
        places = np.cumsum(margins, 1) - margins / 2
    elif level in ("interval", "ratio", "nominal"):
        places = np.broadcast_to(values - values.mean(), margins.shape)
    else:
        raise StatisticsError(f"{level!r} is no level of measurement: {', '.join(get_args(Level))}")
    observed = np.zeros(len(weights))
    for i in range(len(table)):
        for j in range(i):
            both = here[i] & here[j]
            left, right = code[i, both], code[j, both]
            if level == "nominal":
                apart: Floats = (left != right).astype(np.float64)[None]
            elif level == "ratio":
                apart = _ratio(values[left], values[right])[None]
            else:
                apart = (places[:, left] - places[:, right]) ** 2
            observed += 2 * (weights[:, both] / (many[both] - 1) * apart).sum(1)
    if level == "nominal":
        expected = whole**2 - (margins**2).sum(1)
    elif level == "ratio":
        if len(values) > _DISTINCT or values[0] < 0:
            raise StatisticsError(f"alpha of ratios is of at most {_DISTINCT} distinct values, none below 0")
        expected = ((margins @ _ratio(values[:, None], values[None])) * margins).sum(1)
    else:
        expected = 2 * (whole * (margins * places**2).sum(1) - (margins * places).sum(1) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 1e-12 * whole**2, 1 - (whole - 1) * observed / expected, np.nan)


def _ratio(one: Floats, two: Floats) -> Floats:
    """The metric of ratios; two zeros are alike."""
    both = one + two
    return np.where(both > 0, (one - two) / np.where(both > 0, both, 1.0), 0.0) ** 2


def _kappa(one: Floats, two: Floats, weighting: str, weights: Floats) -> Floats:
    values, at = np.unique(np.concatenate([one, two]), return_inverse=True)
    first, second = at[: len(one)], at[len(one) :]
    if len(values) > _DISTINCT:
        raise StatisticsError(f"kappa is of at most {_DISTINCT} distinct values, these have {len(values)}")
    places = np.arange(len(values))
    power = {"linear": 1, "quadratic": 2}.get(weighting, 0)
    apart = (
        (np.abs(places[:, None] - places) ** power).astype(np.float64)
        if power
        else (places[:, None] != places).astype(np.float64)
    )
    observed = weights @ apart[first, second]
    rows, columns = (_margins(each, len(values), weights) for each in (first, second))
    expected = ((rows @ apart) * columns).sum(1) / weights.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, 1 - observed / expected, np.nan)


def _spearman(one: Floats, two: Floats, weights: Floats) -> Floats:
    total = weights.sum(1)
    ranks = [_ranks(each, weights) - (total / 2)[:, None] for each in (one, two)]
    shared, left, right = (
        (weights * a * b).sum(1) for a, b in ((ranks[0], ranks[1]), (ranks[0], ranks[0]), (ranks[1], ranks[1]))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((left > 1e-9) & (right > 1e-9), shared / np.sqrt(left * right), np.nan)


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Middle ranks of the items in each sample, from 0 to its size: their mean is half of it."""
    at = np.unique(values, return_inverse=True)[1]
    margins = _counts(values, weights)
    return (np.cumsum(margins, 1) - margins / 2)[:, at]


def _kendall(one: Floats, two: Floats, weights: Floats) -> Floats:
    """Over pairs of distinct cells, a block of rows at a time."""
    cells, at = np.unique(np.stack([one, two]), axis=1, return_inverse=True)
    many = cells.shape[1]
    held = _margins(at.ravel(), many, weights)
    total = weights.sum(1)
    agree = np.zeros(len(weights))
    step = max(1, 4_000_000 // many)
    for start in range(0, many, step):
        block = cells[:, start : start + step]
        signs = np.sign(block[0][:, None] - cells[0]) * np.sign(block[1][:, None] - cells[1])
        agree += ((held[:, start : start + step] @ signs) * held).sum(1)
    left, right = (total**2 - (_counts(row, held) ** 2).sum(1) for row in cells)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((left > 0) & (right > 0), agree / np.sqrt(left * right), np.nan)


def _counts(values: Floats, weights: Floats) -> Floats:
    distinct, at = np.unique(values, return_inverse=True)
    return _margins(at, len(distinct), weights)


def _margins(codes: NDArray[np.int64], many: int, weights: Floats) -> Floats:
    """The weight of each of so many codes in each sample (samples, many)."""
    present, at = np.unique(codes, return_inverse=True)
    order = np.argsort(at, kind="stable")
    out = np.zeros((len(weights), many))
    out[:, present] = np.add.reduceat(weights[:, order], np.searchsorted(at[order], np.arange(len(present))), 1)
    return out
