"""Training scorers: how strongly weights are held small, and how much pairs count, chosen by leaving out one set after the other.

For the scorer of defects (`bench/evaluate/train_scorer.py`) and for those of grades (`limner.evaluate.judges.scoring`); the fit itself is
`limner.evaluate.judges.trained.fit`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from limner.evaluate.judges.trained import Array, Scorer, fit

PENALTIES, PAIRS = (1.0, 3.0, 10.0, 30.0), (0.0, 1.0, 4.0)


@dataclass(frozen=True)
class Measured:
    """Of one set of documents the measures of answers (N x F), those of worse ones (M x F), which of the first each is a worse form `of`, and of
    what its defect is ("image", "text", or another word for both)."""

    better: Array
    worse: Array
    of: tuple[int, ...]
    kinds: tuple[str, ...]


def ranked(rows: Array, labels: Sequence[float], families: Sequence[str]) -> Measured:
    """Answers (N x F) with labels as what a scorer is fitted on: each pair of one family whose labels differ, the better one first. Of a family's
    levels each is then the better one as often as there are lower ones, so that how sure the scorer is is the label as a share of the scale."""
    of: list[int] = []
    worse: list[int] = []
    for i, j in itertools.permutations(range(len(labels)), 2):
        if families[i] == families[j] and labels[i] > labels[j]:
            of.append(i)
            worse.append(j)
    return Measured(rows, rows[worse], tuple(of), ("",) * len(of))


def joined(sets: Sequence[Measured]) -> Measured:
    """Several sets as one."""
    starts = np.cumsum([0, *(len(each.better) for each in sets)])
    return Measured(
        np.concatenate([each.better for each in sets]),
        np.concatenate([each.worse for each in sets]),
        tuple(int(start) + i for start, each in zip(starts, sets, strict=False) for i in each.of),
        tuple(kind for each in sets for kind in each.kinds),
    )


def fitted(sets: Sequence[Measured], penalty: float, pairs: float) -> Scorer:
    """A scorer of all of them."""
    every = joined(sets)
    return fit(every.better, every.worse, every.of, every.kinds, penalty, pairs)


@dataclass(frozen=True)
class Choice:
    """What was chosen, and the mean score on the sets that were left out."""

    penalty: float
    pairs: float
    left_out: float


def chosen(
    sets: Sequence[Measured],
    scored: Callable[[Scorer, int], float],
    penalties: Sequence[float] = PENALTIES,
    pairs: Sequence[float] = PAIRS,
) -> Choice:
    """The settings whose scorers of all sets but one score best on that one, in the mean; `scored` takes a scorer and the number of the set that
    it has not seen. Two sets at least."""
    if len(sets) < 2:
        raise ValueError("settings are chosen on sets that are left out: two are needed at least")
    found: list[Choice] = []
    for penalty, weight in itertools.product(penalties, pairs):
        left = [scored(fitted([s for s in sets if s is not held], penalty, weight), i) for i, held in enumerate(sets)]
        found.append(Choice(penalty, weight, float(np.mean(left))))
    return max(found, key=lambda choice: choice.left_out)
