"""Which grader finds more: the mean AUC over defects, and its paired difference."""

from __future__ import annotations

import numpy as np
import pytest

from limner.evaluate.judges.worth.comparison import Graded, better, found
from limner.evaluate.judges.worth.detection import detection
from limner.evaluate.statistics.clusters import StatisticsError

CLEAN = np.random.default_rng(0).normal(0, 1, 40)
GOOD = Graded(CLEAN, {"one": CLEAN - 2, "two": np.where(np.arange(40) % 2, CLEAN - 1, np.nan)})
BLIND = Graded(CLEAN, {"one": CLEAN, "two": np.where(np.arange(40) % 2, CLEAN, np.nan)})


def test_the_auc_is_the_mean_of_those_of_the_defects() -> None:
    odd = np.arange(40) % 2 == 1
    each = [detection(CLEAN, CLEAN - 2).auc, detection(CLEAN[odd], CLEAN[odd] - 1).auc]
    assert found(GOOD).value == pytest.approx(np.mean(each))
    assert found(GOOD.only(["one"])).value == pytest.approx(each[0])


def test_a_blind_grader_knows_nothing() -> None:
    assert found(BLIND).value == pytest.approx(0.5)
    assert BLIND.own.tolist() == [0.5] * 40
    assert better(GOOD, BLIND).low > 0


def test_a_grader_is_not_better_than_itself() -> None:
    assert better(GOOD, GOOD).value == 0


def test_nothing_graded_is_said() -> None:
    with pytest.raises(StatisticsError):
        found(Graded(CLEAN, {"one": np.full(40, np.nan)}))
