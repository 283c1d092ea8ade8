"""The table of what judges are worth, which stands beside every score: `worth.json`, written by `bench/evaluate/planted.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from limner.errors import LimnerError

FILE = Path(__file__).with_name("worth.json")


@dataclass(frozen=True, slots=True)
class Found:
    """How well a judge finds a defect: AUC with its 95 % interval, over so many documents, and `paired`, how often it grades a document with the
    defect below itself (see `detection`); None where it never graded. `failed`: the share of gradings without a grade."""

    auc: float | None
    low: float | None
    high: float | None
    paired: float | None
    documents: int
    failed: float

    @property
    def verdict(self) -> str:
        """`above chance` where the interval lies above one half, `below chance` where below, else `not told apart`. Above chance may be
        little: the AUC says how much.

        >>> Found(0.6, 0.55, 0.65, 0.7, 90, 0.0).verdict
        'above chance'
        """
        if self.low is None or self.high is None:
            return "never graded"
        return "above chance" if self.low > 0.5 else "below chance" if self.high < 0.5 else "not told apart"

    def __str__(self) -> str:
        if self.auc is None:
            return f"{self.verdict}, failed {self.failed:.1%}"
        return f"{self.auc:.3f} [{self.low:.3f}, {self.high:.3f}] of {self.documents} documents, paired {self.paired:.3f}: {self.verdict}"


@dataclass(frozen=True, slots=True)
class Worth:
    """What one judge is worth: by defect; what it was shown (`pages`, or `sources` too); its settings when it was measured."""

    judge: str
    shown: str
    defects: Mapping[str, Found]
    failed: float
    settings: Mapping[str, str]


@cache
def worth(file: Path = FILE) -> tuple[Worth, ...]:
    """All that was measured. Raises `LimnerError` for a file that is not such a table."""
    try:
        said = cast("dict[str, Any]", json.loads(file.read_text("utf-8")))
        return tuple(
            Worth(
                row["judge"], row["shown"],
                {
                    name: Found(d.get("auc"), d.get("low"), d.get("high"), d.get("paired"), d["documents"], d["failed"])
                    for name, d in row["defects"].items()
                },
                float(row["failed"]), dict(row["settings"]),
            )
            for row in said["judges"]
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LimnerError(f"{file} is no table of judges: {error}; run bench/evaluate/planted.py") from None


def of(name: str, settings: Mapping[str, str] | None = None) -> tuple[Worth, ...]:
    """What was measured of a judge by its address; nothing for one that was not, and where `settings` are given nothing for one whose version,
    prompt or encoders have changed since."""
    found = tuple(each for each in worth() if each.judge == name)
    if settings is None:
        return found
    return tuple(each for each in found if all(settings.get(k) == v for k, v in each.settings.items()))
