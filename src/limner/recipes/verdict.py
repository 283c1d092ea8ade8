"""Judging a claim from the measurements of several seeds: held, contradicted, or underpowered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import t as student

from limner.recipes.recipe import Claim


@dataclass(frozen=True)
class Verdict:
    """`word` is held, contradicted, underpowered, measured (the paper gives no comparison to hold or break), not measured (these
    settings leave the figure out) or waits.
    `difference` is the mean paired difference, `interval` its 95 % half-width, `detectable` the smallest effect that this many
    seeds with this spread could have told from zero with 80 % power."""

    word: str
    difference: float | None = None
    interval: float | None = None
    detectable: float | None = None
    reason: str = ""


def judge(claim: Claim, figures: Mapping[str, Sequence[float]]) -> Verdict:
    """The verdict on `claim`; `figures` holds each measurement's values, one a seed, in one order of seeds."""
    if claim.waits:
        return Verdict("waits", reason=claim.waits)
    if claim.within:
        return _within(claim, figures)
    bound = claim.at_least is not None or claim.at_most is not None
    if not claim.better:
        return Verdict("measured")
    ours = figures.get(claim.better)
    if not ours:
        return Verdict("not measured", reason=f"no {claim.better} with these settings")
    if not (bound or claim.worse):
        return Verdict("measured")
    if bound:
        mean = sum(ours) / len(ours)
        good = (claim.at_least is None or mean >= claim.at_least) and (claim.at_most is None or mean <= claim.at_most)
        return Verdict("held" if good else "contradicted", difference=mean)
    theirs = figures.get(claim.worse, ())
    if len(theirs) != len(ours):
        return Verdict("not measured", reason=f"no {claim.worse} with these settings")
    sign = -1.0 if claim.lower else 1.0
    return paired([sign * (a - b) for a, b in zip(ours, theirs, strict=True)], claim.effect)


def _within(claim: Claim, figures: Mapping[str, Sequence[float]]) -> Verdict:
    """Judge a comparison made inside of each seed by the means over seeds of its gain and of its interval."""
    names = [f"{claim.within}.gain", f"{claim.within}.gain.low", f"{claim.within}.gain.detectable"]
    if any(not figures.get(name) for name in names):
        return Verdict("not measured", reason=f"no {claim.within} with an interval with these settings")
    gain, low, detectable = (sum(figures[name]) / len(figures[name]) for name in names)
    return _judged(gain, gain - low, detectable, claim.effect)


def paired(differences: Sequence[float], effect: float) -> Verdict:
    """Judge paired differences that a claim says are positive, by Student's t at 95 %."""
    count = len(differences)
    mean = sum(differences) / count
    if count < 2:
        return Verdict("underpowered", mean, reason="one seed has no spread")
    error = math.sqrt(sum((d - mean) ** 2 for d in differences) / (count - 1) / count)
    critical, power = float(student.ppf(0.975, count - 1)), float(student.ppf(0.8, count - 1))
    return _judged(mean, critical * error, (critical + power) * error, effect)


def _judged(mean: float, interval: float, detectable: float, effect: float) -> Verdict:
    if mean == interval == 0:
        return Verdict(
            "underpowered",
            mean,
            interval,
            detectable,
            "nothing differs at all: the measure is at an end of its scale, or too coarse",
        )
    if mean - interval > 0:
        return Verdict("held", mean, interval, detectable)
    if mean + interval < effect or (mean + interval <= 0):
        return Verdict("contradicted", mean, interval, detectable)
    return Verdict("underpowered", mean, interval, detectable, "the interval includes both zero and the paper's effect")
