"""By how much one way is better than another, over the same things."""

from __future__ import annotations

from collections.abc import Iterator

from limner.experts.onnx import Floats
from limner.recipes.recipe import Measurement
from limner.recipes.verdict import paired


def compared(
    name: str, better: Floats, worse: Floats, series: tuple[str, str], unit: str = "", what: str = "", lower: bool = False
) -> Iterator[Measurement]:
    """The means of two paired lists of figures, by how much the first are greater (with `lower`, less), the lower end of the 95 % interval
    of that (Student's t), and the smallest gain that so many pairs could have told from none with 80 % power."""
    sign = -1.0 if lower else 1.0
    found = paired([sign * float(a - b) for a, b in zip(better, worse, strict=True)], 0.0)
    gain = found.difference or 0.0
    yield Measurement(f"{name}.{series[0]}", float(better.mean()), unit, what)
    yield Measurement(f"{name}.{series[1]}", float(worse.mean()), unit, what)
    yield Measurement(f"{name}.gain", gain, unit, f"{len(better)} pairs")
    if found.interval is not None and found.detectable is not None:
        yield Measurement(f"{name}.gain.low", gain - found.interval, unit, "lower end of the 95 % interval of the gain")
        yield Measurement(f"{name}.gain.detectable", found.detectable, unit, "smallest gain that could have been told from none")
