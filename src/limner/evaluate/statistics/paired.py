"""Two systems on the same items: how far they are apart, how sure that is, and how large it is.

The test flips the signs of whole clusters at random (a permutation test of paired differences; Fisher 1935, Winkler et al. 2015 for blocks): under
the hypothesis that the systems are alike, a family's difference is as probable as its opposite. All flips are counted where there are few clusters,
else a sample of them, itself included, so that p is never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from limner.evaluate.statistics.bootstrap import mean
from limner.evaluate.statistics.clusters import Ends, Floats, Interval, Resampling, StatisticsError, codes, finite, scores, summed

_EXACT = 16  # clusters that differ: 65,536 flips
_NAMED = 5  # items that a message names


@dataclass(frozen=True, slots=True)
class Paired:
    """The first system less the second.

    `difference`  of the means, with its clustered interval
    `p`           of the sign-flip test, two-sided; `exact`: all flips were counted
    `effect`      the mean difference over the standard deviation of the items' differences (Cohen's d_z); infinite where all differ alike,
                  0 where none differs
    `better`, `same`, `worse`   shares of items
    `missing`     items that only one system has and that were left out, as asked
    """

    difference: Interval
    p: float
    exact: bool
    effect: float
    better: float
    same: float
    worse: float
    missing: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "difference": self.difference.row(), "p": self.p, "exact": self.exact, "effect": finite(self.effect),
            "better": self.better, "same": self.same, "worse": self.worse, "missing": list(self.missing),
        }  # fmt: skip


def compare(
    first: Mapping[str, float],
    second: Mapping[str, float],
    clusters: Mapping[str, str] | None = None,
    ends: Ends | None = None,
    missing: Literal["error", "drop"] = "error",
    settings: Resampling | None = None,
) -> Paired:
    """Compare the scores of two systems by item. `clusters` names each item's family (its own where absent), `ends` are those of the scores.

    Items that only one system has raise `StatisticsError`, unless they are to be dropped: then they are named in the result.

    >>> found = compare({"a": 1, "b": 1, "c": 1, "d": 0}, {"a": 0, "b": 0, "c": 1, "d": 0}, ends=(0, 1))
    >>> found.difference.value, found.p, found.better, found.same
    (0.5, 0.5, 0.5, 0.5)
    """
    settings = settings or Resampling()
    apart = tuple(sorted(first.keys() ^ second.keys()))
    if apart and missing == "error":
        named = ", ".join(apart[:_NAMED]) + (" ..." if len(apart) > _NAMED else "")
        raise StatisticsError(
            f"{len(first.keys() - second.keys())} items only the first system has, {len(second.keys() - first.keys())} only the second: {named}; "
            "score them, or ask for them to be dropped"
        )
    items = [item for item in first if item in second]
    one = scores([first[item] for item in items], ends, "scores of the first system")
    two = scores([second[item] for item in items], ends, "scores of the second system")
    difference = one - two
    families = [clusters[item] if clusters and item in clusters else item for item in items]
    wide = None if ends is None else ends[1] - ends[0]
    found = mean(difference, families, _ends(difference) if wide is None else (-wide, wide), settings)
    numbers, count = codes(families, len(items))
    p, exact = sign_flip(summed(difference, numbers, count), settings.seed)
    spread = float(difference.std(ddof=1)) if len(items) > 1 else 0.0
    effect = found.value / spread if spread > 1e-12 else float(np.sign(found.value)) * np.inf if found.value else 0.0
    return Paired(
        found,
        p,
        exact,
        effect,
        float((difference > 0).mean()),
        float((difference == 0).mean()),
        float((difference < 0).mean()),
        apart,
    )


def _ends(difference: Floats) -> Ends | None:
    """Of differences of scores that are right or wrong."""
    return (-1.0, 1.0) if np.isin(difference, (-1.0, 0.0, 1.0)).all() else None


def sign_flip(sums: Floats, seed: int = 0, many: int = 20_000) -> tuple[float, bool]:
    """The two-sided p of clusters' summed differences, and whether it is exact; where it is not, of so many flips.

    The studentized statistic has the same order as the plain sum, since a flip leaves the sum of squares as it is. Clusters of no difference are
    left out: they change nothing.

    >>> sign_flip(np.array([1.0, 1.0, 1.0, 1.0, 1.0]))
    (0.0625, True)
    """
    moved = sums[sums != 0]
    if not len(moved):
        return 1.0, True
    least = abs(moved.sum()) - 1e-9 * np.abs(moved).sum()
    if len(moved) <= _EXACT:
        # the first sign is fixed: each flip of all has the same size as its opposite
        flips = np.arange(1 << (len(moved) - 1))[:, None] >> np.arange(len(moved) - 1) & 1
        reached = np.abs(moved[0] + (1 - 2 * flips) @ moved[1:]) >= least
        return float(reached.mean()), True
    random = np.random.default_rng(seed)
    rows = max(1, min(many, 4_000_000 // len(moved)))
    hits = 0
    for start in range(0, many, rows):
        flips = random.integers(0, 2, (min(rows, many - start), len(moved)), np.int8)
        hits += int((np.abs(moved.sum() - 2 * (flips @ moved)) >= least).sum())
    return (1 + hits) / (1 + many), False
