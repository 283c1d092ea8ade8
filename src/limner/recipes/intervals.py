"""Measurements of intervals that were made over families of items, for claims that are judged `within` a seed."""

from __future__ import annotations

import math
from collections.abc import Iterator

from limner.evaluate.statistics.clusters import Interval
from limner.evaluate.statistics.power import detectable
from limner.recipes.recipe import Measurement


def gained(name: str, difference: Interval, unit: str = "", what: str = "", scale: float = 1.0) -> Iterator[Measurement]:
    """A difference, the lower end of its interval, and the smallest one that could have been told from none with 80 % power, each times `scale`.
    What nothing is known of is left out."""
    if not math.isfinite(difference.value):
        return
    families = f"95 % interval {scale * difference.low:.3g} to {scale * difference.high:.3g}, {difference.clusters} families"
    yield Measurement(f"{name}.gain", scale * difference.value, unit, f"{what}; {families}" if what else families)
    least = detectable(difference).detectable
    if math.isfinite(difference.low) and math.isfinite(least):
        yield Measurement(f"{name}.gain.low", scale * difference.low, unit, "lower end of the interval of the gain")
        yield Measurement(f"{name}.gain.detectable", scale * least, unit, "smallest gain that could have been told from none")


def held(name: str, found: Interval, unit: str = "", what: str = "", scale: float = 1.0) -> Measurement:
    """A figure with its interval in words."""
    ends = f"95 % interval {scale * found.low:.3g} to {scale * found.high:.3g}, {found.clusters} families"
    return Measurement(name, scale * found.value, unit, f"{what}; {ends}" if what else ends)
