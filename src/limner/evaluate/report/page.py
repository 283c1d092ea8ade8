"""The page of a run: scores with intervals, by category, what its judges are worth, and samples as they read."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import jinja2
import numpy as np

from limner.errors import LimnerError
from limner.evaluate.benchmark import Benchmark
from limner.evaluate.benchmarks.registry import benchmark
from limner.evaluate.judges.worth.table import Worth
from limner.evaluate.judges.worth.table import of as worth_of
from limner.evaluate.report.shown import shown
from limner.evaluate.runner import addresses, finish
from limner.evaluate.samples import Sample, Samples

MOST = 12
"""Samples of each kind that a page shows."""


def page(folder: Path, data: Path | None = None) -> str:
    """The page of the run in a folder; `data` is where the benchmark's files are, so that what was asked can be shown."""
    result = finish(folder)
    samples, judges = Samples(folder), addresses(result)
    known = known_benchmark(result["benchmark"])
    main = first_measure(result, judges[0])
    lower = any(measure["name"] == main and measure["lower"] for measure in result["measures"])
    least = f"Those with the {'highest' if lower else 'lowest'} {main}."
    rows = [("The worst samples", least, worst(samples, judges[0], main, lower))]
    if len(judges) > 1:
        judged = {measure["name"] for measure in result["measures"] if measure["judged"]}
        graded = next((name for name, row in result["scores"][judges[0]].items() if name in judged and row["n"]), main)
        said = f"Those whose {graded} the judges are furthest apart on."
        rows.append(("The most disputed samples", said, disputed(samples, judges, graded)))
    else:
        said = "Those whose measures, each set against its own mean and spread in this run, contradict each other most."
        rows.append(("The most disputed samples", said, contradictory(samples, judges[0])))
    known_worth = {name: worth_of(name, result["judges"][name]) for name in judges if name}
    found = templates().get_template("run.html")
    return found.render(
        title=f"{result['title']}: {result['model']}", result=result, says={m["name"]: m["says"] for m in result["measures"]},
        ends=ends(result), main=list(result["scores"][judges[0]])[:4], worth=[table(name, some) for name, some in known_worth.items() if some],
        unknown=[name for name, some in known_worth.items() if not some],
        lists=[(heading, said, shown(some, samples, known, data)) for heading, said, some in rows if some],
    )  # fmt: skip


def table(judge: str, found: Sequence[Worth]) -> dict[str, Any]:
    """What a judge was measured to be worth: a row a defect, a column a way in which documents were shown."""
    defects = list(dict.fromkeys(name for each in found for name in each.defects))
    rows = [{"defect": name, "cells": [each.defects.get(name) for each in found]} for name in defects]
    return {"judge": judge, "shown": [each.shown for each in found], "rows": rows}


def known_benchmark(name: str) -> Benchmark | None:
    """The benchmark, where this limner has it."""
    try:
        return benchmark(name)
    except LimnerError:
        return None


def first_measure(result: Mapping[str, Any], judge: str) -> str:
    """What samples are ranked by: the benchmark's first measure that has scores."""
    measures = result["scores"][judge]
    return next((name for name, row in measures.items() if row["n"]), next(iter(measures), ""))


def worst(samples: Samples, judge: str, measure: str, lower: bool = False) -> list[Sample]:
    """The samples with the lowest score, or the highest where a lower one is better."""
    with_score = (s for s in samples if measure in s.judged[judge].values)
    sign = -1 if lower else 1
    return heapq.nsmallest(MOST, with_score, key=lambda s: (sign * s.judged[judge].values[measure], s.number))


def disputed(samples: Samples, judges: Sequence[str], measure: str) -> list[Sample]:
    """The samples on which judges are furthest apart, if they are."""

    def apart(sample: Sample) -> float:
        said = [sample.judged[name].values[measure] for name in judges if measure in sample.judged[name].values]
        return max(said) - min(said) if len(said) > 1 else 0.0

    return heapq.nlargest(MOST, (s for s in samples if apart(s) > 0), key=lambda s: (apart(s), -s.number))


def contradictory(samples: Samples, judge: str) -> list[Sample]:
    """The samples whose measures lie furthest apart, in standard deviations of each measure over the run."""
    values: dict[str, list[float]] = {}
    for sample in samples:
        for name, value in sample.judged[judge].values.items():
            values.setdefault(name, []).append(value)
    told = {name: (float(np.mean(v)), float(np.std(v))) for name, v in values.items() if len(v) > 2 and np.std(v) > 0}

    def apart(sample: Sample) -> float:
        own = sample.judged[judge].values
        marks = [(own[name] - mean) / deviation for name, (mean, deviation) in told.items() if name in own]
        return max(marks) - min(marks) if len(marks) > 1 else 0.0

    return heapq.nlargest(MOST, (s for s in samples if apart(s) > 1), key=lambda s: (apart(s), -s.number))


def ends(result: Mapping[str, Any]) -> Any:
    """The ends of the scale that a measure's interval is drawn on: its own, or what it takes here."""
    scales = {measure["name"]: (measure["low"], measure["high"]) for measure in result["measures"]}

    def of(name: str, row: Mapping[str, float]) -> tuple[float, float]:
        low, high = scales.get(name, (0.0, 1.0))
        known = [row[end] for end in ("low", "high", "mean") if row.get(end) is not None]
        return min(low, *known), max(high, *known)

    return of


def figure(value: float | None) -> str:
    """A figure in three digits.

    >>> figure(0.12345), figure(12.345), figure(1234.5), figure(None)
    ('0.123', '12.3', '1,234', 'none')
    """
    if value is None or value != value:
        return "none"
    size = abs(value)
    return f"{value:.3f}" if size < 1 else f"{value:.2f}" if size < 10 else f"{value:.1f}" if size < 100 else f"{value:,.0f}"


def templates() -> jinja2.Environment:
    """Everything that is filled in is escaped."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("limner.evaluate.report"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    cast("dict[str, Any]", made.filters).update(figure=figure)
    return made
