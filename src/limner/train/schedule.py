"""The learning rate over the steps of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Schedule:
    """The share of the highest rate at a step: rises over `warm` steps, then stays, falls as a cosine to `least`, or falls in a
    straight line over the last fifth (Haegele et al. 2024, arXiv 2405.18392).

    >>> [round(Schedule("cosine", warm=2, least=0.0).at(step, 10), 2) for step in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """

    kind: Literal["constant", "cosine", "cooldown"] = "cosine"
    warm: int = 100
    least: float = 0.1

    def at(self, step: int, steps: int) -> float:
        """The share at a step (from 0) of so many."""
        if step < self.warm:
            return (step + 1) / self.warm
        if self.kind == "constant":
            return 1.0
        if self.kind == "cooldown":
            return 1.0 if step < 0.8 * steps else max(self.least, (steps - step) / (0.2 * steps))
        done = min((step - self.warm) / max(steps - self.warm, 1), 1.0)
        return self.least + (1 - self.least) * 0.5 * (1 + math.cos(math.pi * done))
