"""Totals of a run: every measure over all its samples, in all and by category, with intervals and the rate at which judges failed.

A sample whose model failed is scored as the empty answer that it is; one whose judge failed has no score, and is counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from limner.evaluate.samples import Sample
from limner.evaluate.statistics.agreement import krippendorff, spearman
from limner.evaluate.statistics.bootstrap import mean
from limner.evaluate.statistics.clusters import finite

_MOST = 60  # values of a category that are told apart


@dataclass
class Column:
    """A measure's scores: values, their clusters, and the samples that have none."""

    values: list[float] = field(default_factory=list[float])
    clusters: list[str] = field(default_factory=list[str])
    failed: Counter[str] = field(default_factory=Counter[str])

    def row(self, ends: tuple[float, float] | None) -> dict[str, Any]:
        """As JSON: mean, interval, how many, failures. `ends` are those of the measure's scale, None where it has none; an end of the interval that
        nothing is known of is None."""
        lost = sum(self.failed.values())
        out: dict[str, Any] = {"n": len(self.values), "failed": dict(self.failed)}
        out["failure_rate"] = lost / (lost + len(self.values)) if lost else 0.0
        if self.values:
            found = mean(
                self.values, self.clusters, ends if ends and ends[0] <= min(self.values) and max(self.values) <= ends[1] else None
            )
            out |= {"mean": found.value, "low": finite(found.low), "high": finite(found.high), "clusters": found.clusters}
        return out


Columns = defaultdict[str, Column]


def totals(samples: Iterable[Sample], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`items`, how many of them were `ranked` by likelihood instead of answered, `errors`, and by judge the scores and `by` (category, value,
    measure); `agreement` of the judges, where there are several."""
    judges: Sequence[str] = list(settings["judges"]) or [""]
    whole: dict[str, Columns] = {name: defaultdict(Column) for name in judges}
    parts: dict[str, dict[tuple[str, str], Columns]] = {name: defaultdict(lambda: defaultdict(Column)) for name in judges}
    rows: dict[str, list[dict[str, float]]] = defaultdict(list)
    errors: Counter[str] = Counter()
    items, likely, seconds = 0, 0, 0.0
    for sample in sorted(samples, key=lambda sample: sample.number):
        items += 1
        likely += bool(sample.likelihoods)
        seconds += sample.seconds
        errors[sample.error] += bool(sample.error)
        for name in judges:
            one = sample.judged[name]
            for columns in (whole[name], *(parts[name][pair] for pair in sample.categories.items())):
                for measure, value in one.values.items():
                    columns[measure].values.append(value)
                    columns[measure].clusters.append(sample.cluster)
                for measure, how in one.failed.items():
                    columns[measure].failed[how] += 1
        for measure in sample.judged[judges[0]].values if len(judges) > 1 else ():
            rows[measure].append({name: sample.judged[name].values.get(measure, np.nan) for name in judges})
    return {
        "items": items, "ranked": likely, "failed_items": sum(errors.values()), "seconds": round(seconds, 1),
        "errors": {text: n for text, n in errors.most_common(20) if n},
        "scores": {name: _named(columns, settings) for name, columns in whole.items()},
        "by": {name: _by(each, settings) for name, each in parts.items()},
        "agreement": {measure: _agreement(each, judges) for measure, each in rows.items()},
    }  # fmt: skip


def _named(columns: Columns, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Measures in the benchmark's order."""
    order = [measure["name"] for measure in settings["measures"]]
    ends = {measure["name"]: (measure["low"], measure["high"]) for measure in settings["measures"]}
    return {
        name: columns[name].row(ends.get(name))
        for name in sorted(columns, key=lambda name: (order.index(name) if name in order else 999, name))
    }


def _by(parts: Mapping[tuple[str, str], Columns], settings: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, dict[str, Any]] = defaultdict(dict)
    for (category, value), columns in sorted(parts.items()):
        if len(out[category]) < _MOST:
            out[category][value] = _named(columns, settings)
    return dict(out)


def _agreement(rows: Sequence[Mapping[str, float]], judges: Sequence[str]) -> dict[str, Any]:
    """How far judges agree on a measure: Krippendorff's alpha of all, Spearman's rank correlation of each with the first."""
    table = np.array([[row[name] for name in judges] for row in rows])
    out: dict[str, Any] = {"alpha": finite(krippendorff(table.T, "interval"))}
    for column, name in enumerate(judges[1:], 1):
        both = table[~np.isnan(table[:, [0, column]]).any(1)]
        out[f"spearman:{name}"] = finite(spearman(both[:, 0], both[:, column])) if len(both) else None
    return out
