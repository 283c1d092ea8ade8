"""Grades of answers with labels: how far each judge's go with them, and by how much those of one do so further than those of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from limner.evaluate.benchmark import Item, Output
from limner.evaluate.benchmarks.mmie import MMIE, OVERALL
from limner.evaluate.judging import Judge
from limner.evaluate.statistics.agreement import spearman
from limner.evaluate.statistics.bootstrap import mean
from limner.evaluate.statistics.clusters import Floats, Resampling
from limner.evaluate.statistics.correlation import Agreement, agreeing, further, kappa, pearson
from limner.evaluate.statistics.paired import compare
from limner.recipes.intervals import gained, held
from limner.recipes.recipe import Measurement

AGREEMENTS: dict[str, Agreement] = {"spearman": spearman, "pearson": pearson, "kappa": kappa}


@dataclass(frozen=True)
class Told:
    """An answer with its label: what was asked, as the benchmark reads it, and what is answered."""

    item: Item
    output: Output
    label: float
    family: str

    @property
    def kind(self) -> str:
        """SA, PBL or MSR."""
        return self.item.expected["kind"]


def graded(by: Judge, told: Sequence[Told]) -> Floats:
    """Of each answer its grade by the benchmark's scorer, NaN where the judge gave none."""
    return np.array([MMIE.score(t.item, t.output, by).values.get(OVERALL, np.nan) for t in told])


def agreed(name: str, told: Sequence[Told], given: Floats, rows: NDArray[np.bool_], again: Resampling) -> Iterator[Measurement]:
    """How far a judge's grades go with the labels. The intervals are over documents."""
    there: list[int] = np.flatnonzero(rows & ~np.isnan(given)).tolist()
    labels, families = np.array([told[i].label for i in there]), [told[i].family for i in there]
    yield Measurement(f"{name}.graded", 100 * len(there) / max(int(rows.sum()), 1), "%", f"of {int(rows.sum())} answers")
    if len(there) < 3:
        return
    for how, function in AGREEMENTS.items():
        found = agreeing(function, labels, given[there], families, again)
        value = replace(found, value=float(np.nan_to_num(found.value)))
        yield held(f"{name}.{how}", value, what=f"{len(there)} answers")
    yield held(f"{name}.error", mean(np.abs(labels - given[there]), families, (0.0, 6.0), again), "of 6", "mean absolute error")


def apart(
    name: str, told: Sequence[Told], first: Floats, second: Floats, rows: NDArray[np.bool_], again: Resampling
) -> Iterator[Measurement]:
    """By how much the first grades agree further with the labels than the second, of answers that both graded."""
    there: list[int] = np.flatnonzero(rows & ~np.isnan(first) & ~np.isnan(second)).tolist()
    if len(there) < 3:
        return
    labels, families = np.array([told[i].label for i in there]), [told[i].family for i in there]
    for how, function in AGREEMENTS.items():
        yield from gained(
            f"{name}.{how}", further(function, labels, first[there], second[there], families, again), "", f"{len(there)} answers"
        )
    errors = [{str(i): float(e) for i, e in zip(there, np.abs(labels - each[there]), strict=True)} for each in (second, first)]
    test = compare(*errors, clusters=dict(zip(map(str, there), families, strict=True)), ends=(0.0, 6.0), settings=again)
    yield from gained(f"{name}.error", test.difference, "of 6", f"mean absolute error, p {test.p:.3g}")
