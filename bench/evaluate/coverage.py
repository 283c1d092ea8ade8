"""Whether intervals, tests and power are what they say: simulated studies whose truth is known, 2,000 for each number of clusters.

    python bench/evaluate/coverage.py [--studies 2000]

Means: twelve populations (skewed, graded, right or wrong, near an end of the scale; families of one, of five, of geometric and of heavy-tailed
sizes; correlated within families), 5 to 300 families a study; the share of 95 % intervals that hold the population's mean over items, of limner's
interval and, at 10, 30 and 100 families, of ones in common use. Statistics of agreement, the sign-flip test, power and strengths of systems in
the same way. Writes bench/results/evaluate-coverage.json; exits 1 where limner's interval of a mean covers less than 93 % or more than 97 % from
30 families on, by more than the simulation's own error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from limner.evaluate.statistics.agreement import Name, agreement, krippendorff, spearman
from limner.evaluate.statistics.bootstrap import mean_intervals
from limner.evaluate.statistics.clusters import Ends, Interval, Resampling, means, resamples
from limner.evaluate.statistics.paired import sign_flip
from limner.evaluate.statistics.power import detectable, items_needed
from limner.evaluate.statistics.ranking import rank
from limner.recipes.provenance import code_hash, machine

RESULTS = Path(__file__).parent.parent / "results" / "evaluate-coverage.json"
CLUSTERS = (5, 10, 20, 30, 50, 100, 300)
BESIDE = (10, 30, 100)
LOW, HIGH, FROM = 0.93, 0.97, 30

Floats = NDArray[np.float64]
Random = np.random.Generator
Study = tuple[Floats, Floats, Floats | float]
"""Sums and counts of the families of each study, and the truth."""
Drawn = Callable[[int, int, Random], Study]

# --- populations -----------------------------------------------------------------------------------------------------------


def sizes(kind: str, shape: tuple[int, int], random: Random) -> NDArray[np.int64]:
    """Items of families: one, five, geometric with mean 5, or log-normal up to 60."""
    if kind == "heavy":
        return np.minimum(1 + random.lognormal(1.0, 1.0, shape), 60).astype(np.int64)
    return random.geometric(0.2, shape) if kind == "geometric" else np.full(shape, {"one": 1, "five": 5}[kind])


def through(kind: str, within: float, values: Callable[[Floats], Floats], truth: float) -> Drawn:
    """Scores that are a function of normal variables with a correlation `within` families."""

    def draw(studies: int, clusters: int, random: Random) -> Study:
        n = sizes(kind, (studies, clusters), random)
        family = np.sqrt(within) * random.standard_normal(n.size)
        flat = n.ravel()
        each = values(np.repeat(family, flat) + np.sqrt(1 - within) * random.standard_normal(int(flat.sum())))
        sums = np.add.reduceat(each, np.concatenate([[0], np.cumsum(flat)[:-1]])).reshape(n.shape)
        return sums, n.astype(np.float64), truth

    return draw


def right(kind: str, probability: float | tuple[float, float], within: float) -> Drawn:
    """Right or wrong, beta-binomial in families; a probability from a range is drawn for each study."""

    def draw(studies: int, clusters: int, random: Random) -> Study:
        n = sizes(kind, (studies, clusters), random)
        p = random.uniform(*probability, (studies, 1)) if isinstance(probability, tuple) else np.full((studies, 1), probability)
        own = random.beta(p * (1 - within) / within, (1 - p) * (1 - within) / within, n.shape) if within else p
        return random.binomial(n, own).astype(np.float64), n.astype(np.float64), p[:, 0]

    return draw


def harder_when_large(studies: int, clusters: int, random: Random) -> Study:
    """Right or wrong where items of large families are harder."""
    n = sizes("geometric", (studies, clusters), random)
    many = np.arange(1, 400)
    weight = stats.geom.pmf(many, 0.2) * many
    truth = float((weight * np.clip(0.9 - 0.05 * many, 0.1, 0.9)).sum() / weight.sum())
    return random.binomial(n, np.clip(0.9 - 0.05 * n, 0.1, 0.9)).astype(np.float64), n.astype(np.float64), truth


def shares(z: Floats) -> Floats:
    """Beta(5, 1) of normal variables: its quantile function is the fifth root."""
    return stats.norm.cdf(z) ** 0.2


def cuts(*places: float) -> Callable[[Floats], Floats]:
    """Grades: how many of the places are below."""
    return lambda z: np.sum([z > place for place in places], axis=0).astype(np.float64)


def above(*places: float) -> float:
    """The mean of `cuts`."""
    return float(stats.norm.sf(places).sum())


GRADES, BETTER, WORSE = (-2.0, -1.3, -0.6, 0.0), 1.2816, -1.0364
UNIT: Ends = (0.0, 1.0)
POPULATIONS: dict[str, tuple[Ends | None, Drawn]] = {
    "normal, families of 5": (None, through("five", 0.3, lambda z: z, 0.0)),
    "exponential, geometric": (None, through("geometric", 0.3, lambda z: -stats.norm.logsf(z), 1.0)),
    "log-normal 0.8, families of 1": (None, through("one", 0.3, lambda z: np.exp(0.8 * z), float(np.exp(0.32)))),
    "grades 0-4, geometric": ((0.0, 4.0), through("geometric", 0.3, cuts(*GRADES), above(*GRADES))),
    "shares, beta(5, 1), heavy-tailed": (UNIT, through("heavy", 0.3, shares, 5 / 6)),
    "right or wrong 0.5, heavy-tailed": (UNIT, right("heavy", 0.5, 0.2)),
    "right or wrong 0.8, heavy-tailed": (UNIT, right("heavy", 0.8, 0.3)),
    "right or wrong 0.9, geometric": (UNIT, right("geometric", 0.9, 0.2)),
    "right or wrong 0.7-0.95, families of 1": (UNIT, right("one", (0.7, 0.95), 0.0)),
    "right or wrong 0.97, geometric": (UNIT, right("geometric", 0.97, 0.2)),
    "right or wrong, large families harder": (UNIT, harder_when_large),
    "differences of right or wrong, geometric": (
        (-1.0, 1.0),
        through(
            "geometric",
            0.2,
            lambda z: (z > BETTER).astype(float) - (z < WORSE),
            float(stats.norm.sf(BETTER) - stats.norm.cdf(WORSE)),
        ),
    ),
}


# --- intervals of means ------------------------------------------------------------------------------------------------------


def beside(sums: Floats, counts: Floats) -> dict[str, tuple[Floats, Floats]]:
    """Intervals in common use, all over families: the plain percentile bootstrap, t with the plain clustered error, t with CR2 and Satterthwaite's
    degrees of freedom, and the bootstrap-t."""
    clusters = sums.shape[1]
    each = means(sums, counts)
    error = np.sqrt(each.variance)
    plain = np.sqrt((each.residuals**2).sum(1)) / counts.sum(1)
    found, studied = [], []
    for drawn in resamples(clusters, Resampling(), len(sums)):
        many = counts @ drawn.T
        apart = (each.residuals @ drawn.T) / many
        spread = (
            each.residuals**2 @ drawn.T - 2 * apart * ((each.residuals * counts) @ drawn.T) + apart**2 * (counts**2 @ drawn.T)
        )
        found.append(apart)
        studied.append(apart / np.sqrt(np.maximum(spread, 1e-12) * clusters / (clusters - 1)) * many)
    low, high = np.quantile(np.concatenate(found, 1), (0.025, 0.975), axis=1)
    below, over = np.quantile(np.concatenate(studied, 1), (0.025, 0.975), axis=1)
    student, fewer = stats.t.ppf(0.975, clusters - 1), stats.t.ppf(0.975, each.freedom)
    return {
        "percentile bootstrap": (each.value + low, each.value + high),
        "t, plain error": (each.value - student * plain, each.value + student * plain),
        "t, CR2": (each.value - fewer * error, each.value + fewer * error),
        "bootstrap-t": (each.value - over * error, each.value - below * error),
    }


def share(interval: tuple[Floats, Floats], truth: Floats | float) -> float:
    """How many intervals hold the truth."""
    return round(float(np.mean((interval[0] <= truth) & (truth <= interval[1]))), 4)


def of_means(studies: int) -> dict[str, dict[str, dict[str, float]]]:
    """Coverage by population, number of families and method; the mean width over that of t with CR2."""
    out: dict[str, dict[str, dict[str, float]]] = {}
    for number, (name, (ends, draw)) in enumerate(POPULATIONS.items()):
        out[name] = {}
        for clusters in CLUSTERS:
            sums, counts, truth = draw(studies, clusters, np.random.default_rng([number, clusters]))
            ours = mean_intervals(sums, counts, ends)
            row = {"limner": share(ours, truth)}
            if clusters in BESIDE:
                others = beside(sums, counts)
                row |= {which: share(interval, truth) for which, interval in others.items()}
                row["width over t, CR2"] = round(
                    float(np.mean(ours[1] - ours[0]) / np.mean(np.subtract(*others["t, CR2"][::-1]))), 3
                )
            out[name][str(clusters)] = row
        print(name, {clusters: row["limner"] for clusters, row in out[name].items()}, flush=True)
    return out


# --- agreement, tests, power, strengths --------------------------------------------------------------------------------------


def judged(items: int, random: Random) -> Floats:
    """Grades 0 to 4 of two judges who read families of three items with a shared and an own part."""
    family = np.repeat(random.standard_normal(items // 3), 3)
    quality = 0.6 * family + 0.8 * random.standard_normal(items)
    return np.stack([cuts(-1.5, -0.8, 0.0, 0.8)(quality + 0.5 * random.standard_normal(items)) for _ in range(2)])


def of_agreement(studies: int) -> dict[str, dict[str, float]]:
    """Coverage of intervals of agreement at 30 and 100 families of three items."""
    random = np.random.default_rng(1)
    whole = judged(300_000, random)
    truth: dict[Name, float] = {"spearman": spearman(*whole), "alpha interval": krippendorff(whole, "interval")}
    out: dict[str, dict[str, float]] = {}
    for name, true in truth.items():
        out[name] = {"truth": round(true, 4)}
        for clusters in (30, 100):
            own = np.repeat(np.arange(clusters), 3).tolist()
            found = [agreement(name, judged(3 * clusters, random), own, Resampling(resamples=500)) for _ in range(studies)]
            out[name][str(clusters)] = round(sum(each.low <= true <= each.high for each in found) / studies, 4)
        print(name, out[name], flush=True)
    return out


def rejected(sums: Floats) -> float:
    """The share of studies whose sign-flip test says that there is a difference at 5 %."""
    return round(sum(sign_flip(row, many=2_000)[0] <= 0.05 for row in sums) / len(sums), 4)


def of_tests(studies: int) -> dict[str, dict[str, float]]:
    """How often the test says so of systems that are alike: differences of right or wrong, and skewed ones."""
    none: dict[str, Drawn] = {
        "right or wrong": through("geometric", 0.2, lambda z: (z > 1.0).astype(float) - (z < -1.0), 0.0),
        "skewed": through("geometric", 0.3, lambda z: -stats.norm.logsf(z) - 1, 0.0),
    }
    return {
        name: {
            str(clusters): rejected(draw(studies, clusters, np.random.default_rng([7, clusters]))[0])
            for clusters in (5, 10, 30, 100)
        }
        for name, draw in none.items()
    }


def of_power(studies: int) -> dict[str, dict[str, float]]:
    """Power at the difference that is said to be told apart at 80 %, and of a set of as many items as planning says."""
    out: dict[str, dict[str, float]] = {}

    def shifted(by: float) -> Drawn:
        return through("geometric", 0.2, lambda z: (z > 1.0).astype(float) - (z < -1.0) + by, by)

    for clusters in (30, 100):
        random = np.random.default_rng([11, clusters])
        sums, counts, _ = shifted(0.0)(studies, clusters, random)
        each = means(sums, counts)
        pilot = Interval(0.0, 0.0, 0.0, float(np.sqrt(each.variance.mean())), float(each.freedom.mean()), 5 * clusters, clusters)
        found = detectable(pilot).detectable
        half = items_needed(pilot, found / 2)
        out[str(clusters)] = {
            "detectable": round(found, 4),
            "power there": rejected(shifted(found)(studies, clusters, random)[0]),
            "items for half of it": half,
            "power of so many": rejected(shifted(found / 2)(studies, round(half / 5), random)[0]),
        }
    return out


@dataclass(frozen=True)
class Match:
    """A verdict."""

    a: str
    b: str
    winner: str


def of_strengths(studies: int) -> dict[str, float]:
    """Coverage of Davidson strengths of five systems, 30 and 100 items with six matches each, whose quality differs by item."""
    true, nu = np.array([1.0, 0.5, 0.0, -0.5, -1.0]), 0.6
    pairs = np.array([(i, j) for i in range(5) for j in range(i)])

    def matches(items: int, random: Random) -> tuple[list[Match], list[int]]:
        met = pairs[np.stack([random.permutation(10)[:6] for _ in range(items)])].reshape(-1, 2)
        own = np.repeat(np.arange(items), 6)
        quality = true + 0.5 * random.standard_normal((items, 5))
        half = (quality[own, met[:, 0]] - quality[own, met[:, 1]]) / 2
        odds = np.stack([np.exp(half), np.exp(-half), np.full(len(half), nu)], 1)
        outcome = (random.random(len(half))[:, None] * odds.sum(1, keepdims=True) > np.cumsum(odds, 1)).sum(1)
        return [Match(f"s{a}", f"s{b}", ("A", "B", "Tie")[o]) for (a, b), o in zip(met, outcome, strict=True)], own.tolist()

    random = np.random.default_rng(3)
    # what an item adds to each difference makes strengths over all items smaller than `true`: they are those of a very large study
    large = rank(*matches(40_000, random), "davidson", Resampling(resamples=100))
    truth = {place.system: place.strength for place in large.places}
    out: dict[str, float] = {}
    for items in (30, 100):
        held = 0
        for _ in range(studies):
            found = rank(*matches(items, random), "davidson", Resampling(resamples=200))
            held += sum(place.low <= truth[place.system] <= place.high for place in found.places)
        out[str(items)] = round(held / studies / 5, 4)
    return out


def main() -> None:
    """Simulate all, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=2_000)
    given = parser.parse_args()
    start = time.process_time()
    found = of_means(given.studies)
    error = 1.96 * (0.95 * 0.05 / given.studies) ** 0.5
    cells = {
        (name, clusters): row["limner"] for name, rows in found.items() for clusters, row in rows.items() if int(clusters) >= FROM
    }
    outside = {f"{name}, {clusters}": cover for (name, clusters), cover in cells.items() if not LOW <= cover <= HIGH}
    held = all(LOW - error <= cover <= HIGH + error for cover in outside.values())
    whole: dict[str, Any] = {
        "studies": given.studies, "level": 0.95, "means": found,
        "least from 30": min(cells.values()), "most from 30": max(cells.values()), "outside 93-97 % from 30": outside,
        "error of a figure": round(error, 4), "held": held,
    }  # fmt: skip
    for name, measure in {
        "agreement": of_agreement,
        "sign-flip test": of_tests,
        "power": of_power,
        "strengths": of_strengths,
    }.items():
        whole[name] = measure(given.studies)
        print(name, whole[name], round(time.process_time() - start), flush=True)
    whole |= {
        "seconds": round(time.process_time() - start),
        "code": code_hash("limner.evaluate.statistics.bootstrap"),
        "machine": machine(),
    }
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    sys.exit(not held)


if __name__ == "__main__":
    main()
