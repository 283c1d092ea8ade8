"""What a set of items can tell apart: the smallest difference found with a given power, and how many items a difference needs.

By the noncentral t distribution on the clustered standard error of the difference of two systems and its degrees of freedom. The error is itself an
estimate; with few clusters so is what comes of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats

from limner.evaluate.statistics.clusters import Floats, Interval, StatisticsError, finite

_MOST = 10_000_000  # clusters
_GRID = 2_000
_FARTHEST = 1e6


@dataclass(frozen=True, slots=True)
class Power:
    """Of a set of so many `items` in `clusters`: the smallest true difference that a two-sided test at `level` finds with the `power`, infinite where
    the set tells nothing of that."""

    detectable: float
    power: float
    level: float
    items: int
    clusters: int

    def row(self) -> dict[str, float | int | None]:
        """As JSON."""
        return {
            "detectable": finite(self.detectable), "power": self.power, "level": self.level, "items": self.items, "clusters": self.clusters,
        }  # fmt: skip

    def __str__(self) -> str:
        if not math.isfinite(self.detectable):
            return f"these {self.items} items in {self.clusters} families can't say what they tell apart"
        return f"these {self.items} items in {self.clusters} families tell apart differences of {self.detectable:.3g} ({self.power:.0%} of the time)"


def power(difference: float, error: float, freedom: float, level: float = 0.05) -> float:
    """How probable it is that a two-sided test at the level finds a true difference whose estimate has this standard error.

    >>> round(power(2.8, 1.0, 1e6), 2)
    0.8
    """
    if not error > 0 or not math.isfinite(error) or not freedom > 0:
        raise StatisticsError(
            f"power needs a finite standard error and degrees of freedom above 0, not {error:g} and {freedom:g}"
        )
    return _power(abs(difference) / error, *_errors(freedom, level))


def detectable(difference: Interval, share: float = 0.8, level: float = 0.05) -> Power:
    """The smallest difference that the set of a comparison (`Paired.difference`) tells apart with this power."""
    _check(share, level)
    found = math.inf
    if difference.error > 0 and math.isfinite(difference.error) and difference.freedom > 0:
        found = difference.error * _away(difference.freedom, share, level)
    return Power(found, share, level, difference.items, difference.clusters)


def items_needed(difference: Interval, smallest: float, share: float = 0.8, level: float = 0.05) -> int:
    """How many items a set like that of the comparison needs to tell apart a difference as small as `smallest`: as many to a family as it has, so
    that more items mean more families (more of one family help less). Raises `StatisticsError` where the comparison has no error to plan with."""
    _check(share, level)
    if not smallest > 0 or not difference.error > 0 or not math.isfinite(difference.error):
        raise StatisticsError("planning needs a difference above 0 and a comparison whose standard error is finite and above 0")
    one = difference.error * math.sqrt(difference.clusters)  # of a set of one cluster
    ratio = difference.freedom / max(difference.clusters - 1, 1)

    def short(clusters: float) -> float:
        return one / math.sqrt(clusters) * _away(max(ratio * (clusters - 1), 1.0), share, level) - smallest

    if short(_MOST) > 0:
        raise StatisticsError(f"a difference of {smallest:g} needs more than {_MOST:,} families of items")
    clusters = 2.0 if short(2.0) <= 0 else _root(short, 2.0, _MOST, 0.5)
    return math.ceil(math.ceil(clusters) * difference.items / difference.clusters)


def _errors(freedom: float, level: float) -> tuple[float, Floats]:
    """Where the test's t begins to say so, and the quantiles of the estimated error over the true one."""
    return float(stats.t.ppf(1 - level / 2, freedom)), np.sqrt(
        stats.chi2.ppf((np.arange(_GRID) + 0.5) / _GRID, freedom) / freedom
    )


def _power(away: float, edge: float, errors: Floats) -> float:
    """Of a difference of so many standard errors. A mean over the estimated error: scipy's noncentral t is NaN where power is near 1."""
    return float(np.mean(stats.norm.cdf(away - edge * errors) + stats.norm.cdf(-away - edge * errors)))


def _away(freedom: float, share: float, level: float) -> float:
    """How many standard errors are found with this power; infinite above a million."""
    edge, errors = _errors(freedom, level)
    if _power(_FARTHEST, edge, errors) < share:
        return math.inf
    return _root(lambda away: _power(away, edge, errors) - share, 0.0, _FARTHEST, 1e-6)


def _root(function: Callable[[float], float], low: float, high: float, close: float) -> float:
    found: Any = optimize.brentq(function, low, high, xtol=close)
    return float(found)


def _check(share: float, level: float) -> None:
    if not 0 < level < share < 1:
        raise StatisticsError(f"a level above 0 and a power between it and 1 are needed, not {level:g} and {share:g}")
