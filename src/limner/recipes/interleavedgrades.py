"""Grades of answers with planted defects: how well each aspect tells them, which aspect a judge blames, and what metrics with a reference tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from limner.evaluate.benchmarks.interleavedbench import ASPECTS
from limner.evaluate.judges.passages import Passage
from limner.evaluate.judges.worth.comparison import Graded, better, found
from limner.evaluate.metrics.nearness import Nearness
from limner.evaluate.statistics.clusters import Floats, Resampling
from limner.evaluate.statistics.paired import compare
from limner.experts.text_encoder import text_encoder
from limner.recipes.gains import compared
from limner.recipes.interleavedcases import EXPECTED, Asked, near
from limner.recipes.intervals import gained, held
from limner.recipes.recipe import Measurement

Score = Callable[[int, Passage], Mapping[str, float]]


def table(
    names: Sequence[str], whole: Sequence[int], cases: Sequence[Asked], planted: Mapping[tuple[int, str], Passage], scored: Score
) -> dict[str, Graded]:
    """By name what each answer has without and with each defect, NaN where it has not."""
    clean = {name: np.full(len(whole), np.nan) for name in names}
    worse_ = {name: {defect: np.full(len(whole), np.nan) for defect in EXPECTED} for name in names}
    for row, i in enumerate(whole):
        for defect in ("", *EXPECTED):
            passage = planted.get((i, defect)) if defect else cases[i].answer
            for name, value in (scored(i, passage) if passage else {}).items():
                (worse_[name][defect] if defect else clean[name])[row] = value
    return {name: Graded(clean[name], worse_[name]) for name in names}


def slug(aspect: str) -> str:
    return aspect.replace(" ", "-")


def aspects(name: str, grades: Mapping[str, Graded], settings: Resampling) -> Iterator[Measurement]:
    """Of each aspect how many answers are graded, how well the defects that should lower it are found, and what the others do to it."""
    for aspect, graded in grades.items():
        share = 100 * float((~np.isnan(graded.clean)).mean())
        yield Measurement(f"{name}.{slug(aspect)}.graded", share, "%", "of answers that have a grade")
        if not share:
            continue
        due = [d for d, lowers in EXPECTED.items() if aspect in lowers or aspect == "mean"]
        auc = found(graded.only(due), settings)
        yield held(
            f"{name}.{slug(aspect)}.found",
            auc,
            "%",
            f"AUC, the mean of {len(due)} defects; 50 for a judge who knows nothing",
            100,
        )
        yield from gained(
            f"{name}.{slug(aspect)}",
            replace(auc, value=auc.value - 0.5, low=auc.low - 0.5, high=auc.high - 0.5),
            "points",
            "",
            100,
        )
        if aspect != "mean":
            other = found(graded.only([d for d in EXPECTED if d not in due]), settings)
            yield held(
                f"{name}.{slug(aspect)}.strayed", other, "%", "the same of defects that should leave it: 50 where they do", 100
            )
    for defect in EXPECTED:
        auc = found(grades["mean"].only([defect]), Resampling(resamples=100))
        yield Measurement(
            f"defect.{defect}.{name}",
            100 * auc.value,
            "%",
            f"AUC of the mean grade, {int((~np.isnan(grades['mean'].worse[defect])).sum())} answers",
        )


def blamed(grades: Mapping[str, Graded]) -> Iterator[Measurement]:
    """Whether the aspect that falls most, in standard deviations of grades, is one that should; where nothing falls that is as good as chance."""
    there = [aspect.name for aspect in ASPECTS if not np.isnan(grades[aspect.name].clean).all()]
    named: list[float] = []
    chance: list[float] = []
    for row in range(len(grades["mean"].clean)):
        hits: list[tuple[float, float]] = []
        for defect, lowers in EXPECTED.items():
            falls = {
                a: (grades[a].clean[row] - grades[a].worse[defect][row]) / max(float(np.nanstd(grades[a].clean)), 1e-6)
                for a in there
            }
            falls = {a: fall for a, fall in falls.items() if not math.isnan(fall)}
            blind = len(lowers & falls.keys()) / max(len(falls), 1)
            if blind:
                most = max(falls.values())
                worst = [a for a, fall in falls.items() if fall >= most - 1e-9]
                hits.append((sum(a in lowers for a in worst) / len(worst) if most > 1e-6 else blind, blind))
        if hits:
            named.append(100 * float(np.mean([hit for hit, _ in hits])))
            chance.append(100 * float(np.mean([blind for _, blind in hits])))
    yield from compared(
        "blamed", np.array(named, np.float32), np.array(chance, np.float32), ("right", "chance"), "%", "defects, over documents"
    )


def metrics(
    seed: int,
    whole: Sequence[int],
    cases: Sequence[Asked],
    planted: Mapping[tuple[int, str], Passage],
    judged: Graded,
    settings: Resampling,
) -> Iterator[Measurement]:
    """Metrics on the same answers, and by how much the judge finds the defects better."""
    nearness = Nearness()
    far = _nearest([cases[i].answer for i in whole])
    references = {
        "near": {i: near(cases[i].answer, seed) for i in whole},
        "far": {i: cases[whole[j]].answer.answer for i, j in zip(whole, far, strict=True)},
    }
    for kind, of in references.items():
        tables = table(nearness.names, whole, cases, planted, lambda i, passage, of=of: nearness.measures(passage.answer, of[i]))
        each = {name.partition("[")[0]: one for name, one in tables.items()}
        alone = each.pop("text-image")
        based = tuple(each.values())
        # Each is brought to its own spread, so that none counts for more by its scale.
        spread = [max(float(np.nanstd(one.clean)), 1e-6) for one in based]
        each["all"] = Graded(
            np.mean([t.clean / d for t, d in zip(based, spread, strict=True)], axis=0),
            {defect: np.mean([t.worse[defect] / d for t, d in zip(based, spread, strict=True)], axis=0) for defect in EXPECTED},
        )
        each |= {"text-image": alone} if kind == "near" else {}
        for name, metric in each.items():
            label = name if name == "text-image" else f"{kind}.{name}"
            auc = found(metric, settings)
            yield held(f"{label}.found", auc, "%", f"AUC, the mean of {len(EXPECTED)} defects", 100)
            apart = better(judged, metric, settings)
            yield from gained(label, apart, "points", "AUC of the judge's mean grade less the metric's", 100)
            own = [dict(enumerate(np.nan_to_num(one.own, nan=0.5).tolist())) for one in (judged, metric)]
            test = compare(*({str(k): v for k, v in each_.items()} for each_ in own), ends=(0.0, 1.0))
            yield Measurement(
                f"{label}.own",
                100 * test.difference.value,
                "points",
                f"the same of an answer and its own worse forms; p {test.p:.3g}",
            )
        for defect in EXPECTED if kind == "near" else ():
            auc = found(each["all"].only([defect]), Resampling(resamples=100))
            yield Measurement(
                f"defect.{defect}.reference", 100 * auc.value, "%", "AUC of the mean of metrics with the near reference"
            )


def _nearest(answers: Sequence[Passage]) -> list[int]:
    """The number of the answer to another request whose words are the likest."""
    rows = text_encoder().embed([" ".join(part for part in a.answer if isinstance(part, str))[:1_000] for a in answers])
    like: Floats = np.asarray(rows @ rows.T, np.float64)
    for i, one in enumerate(answers):
        like[i, [j for j, other in enumerate(answers) if other.name == one.name]] = -np.inf
    return [int(j) for j in like.argmax(axis=1)]
