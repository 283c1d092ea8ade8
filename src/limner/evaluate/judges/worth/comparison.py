"""Which of two graders finds planted defects better: the difference of their mean AUCs over kinds of defects, on the same documents.

The AUC is that of `detection`; its mean over defects counts each alike, however many documents could have it. Documents are resampled whole,
with all of their defects, and both graders with the same documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from limner.evaluate.statistics.bootstrap import statistic
from limner.evaluate.statistics.clusters import Floats, Interval, Resampling, StatisticsError


@dataclass(frozen=True, slots=True)
class Graded:
    """Of N documents the grades without a defect (N,), and with each of them (N,); NaN for what could not be planted or was not graded."""

    clean: Floats
    worse: Mapping[str, Floats]

    def only(self, defects: Sequence[str]) -> Graded:
        """The same of some defects."""
        return Graded(self.clean, {name: self.worse[name] for name in defects if name in self.worse})

    @property
    def own(self) -> Floats:
        """N: the share of a document's defects that are graded below it, ties half; NaN for one without any."""
        pairs = [
            np.where(np.isnan(self.clean + w), np.nan, (self.clean > w) + 0.5 * (self.clean == w)) for w in self.worse.values()
        ]
        if not pairs:
            return np.full(len(self.clean), np.nan)
        there = ~np.isnan(pairs)
        return np.where(there.any(axis=0), np.nansum(pairs, axis=0) / np.maximum(there.sum(axis=0), 1), np.nan)


def found(graded: Graded, settings: Resampling | None = None) -> Interval:
    """The mean AUC over defects and its interval over documents: 0.5 for a grader who knows nothing. Raises `StatisticsError` where nothing was
    graded."""
    function = _mean_auc(graded, _rows(graded))
    return statistic(function, range(len(graded.clean)), (0.0, 1.0), settings)


def better(first: Graded, second: Graded, settings: Resampling | None = None) -> Interval:
    """By how much the mean AUC of the first exceeds that of the second, over the defects and documents that both graded, and its interval."""
    both = {name: _rows(first)[name] & _rows(second)[name] for name in first.worse if name in second.worse}
    one, two = _mean_auc(first, both), _mean_auc(second, both)
    return statistic(lambda weights: one(weights) - two(weights), range(len(first.clean)), (-1.0, 1.0), settings)


def _rows(graded: Graded) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """The documents that have a grade with each defect and without."""
    return {name: ~np.isnan(graded.clean + worse) for name, worse in graded.worse.items()}


def _mean_auc(graded: Graded, rows: Mapping[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]) -> Callable[[Floats], Floats]:
    tables: list[tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], Floats]] = []
    for name, there in rows.items():
        left, right = graded.clean[there], graded.worse[name][there]
        above: Floats = (left[:, None] > right[None]) + 0.5 * (left[:, None] == right[None])
        np.fill_diagonal(above, 0.0)
        if len(left) > 1:
            tables.append((there, above))
    if not tables:
        raise StatisticsError("no defect was graded in two documents")

    def function(weights: Floats) -> Floats:
        total, many = np.zeros(len(weights)), np.zeros(len(weights))
        for there, above in tables:
            own = weights[:, there]
            pairs = own.sum(axis=1) ** 2 - (own**2).sum(axis=1)
            total += np.where(pairs > 0, ((own @ above) * own).sum(axis=1) / np.maximum(pairs, 1), 0.0)
            many += pairs > 0
        return np.where(many > 0, total / np.maximum(many, 1), np.nan)

    return function
