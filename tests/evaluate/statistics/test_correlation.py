"""Agreement of grades with labels, and whose goes further, over families."""

from __future__ import annotations

import numpy as np
import pytest

from limner.evaluate.statistics.agreement import agreement, spearman
from limner.evaluate.statistics.correlation import agreeing, further, kappa, pearson

LABELS = np.random.default_rng(0).integers(0, 7, 120).astype(float)
NEAR = LABELS + np.random.default_rng(1).normal(0, 1, 120)
FAR = LABELS + np.random.default_rng(2).normal(0, 6, 120)
FAMILIES = [n // 6 for n in range(120)]


def test_pearson_is_that_of_numpy() -> None:
    assert pearson(LABELS, NEAR) == pytest.approx(np.corrcoef(LABELS, NEAR)[0, 1])
    assert np.isnan(pearson(LABELS, np.ones(120)))


def test_kappa_is_of_rounded_grades() -> None:
    assert kappa(LABELS, LABELS + 0.4) == 1
    assert kappa(LABELS, NEAR) > kappa(LABELS, FAR)


def test_the_interval_is_that_of_the_agreement_itself() -> None:
    ours, theirs = agreeing(spearman, LABELS, NEAR, FAMILIES), agreement("spearman", [LABELS, NEAR], FAMILIES)
    assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.value, theirs.low, theirs.high), abs=1e-6)


def test_nearer_grades_agree_further_and_the_same_do_not() -> None:
    assert further(pearson, LABELS, NEAR, FAR, FAMILIES).low > 0
    same = further(pearson, LABELS, NEAR, NEAR, FAMILIES)
    assert same.value == 0
    assert same.low <= 0 <= same.high


def test_one_grade_for_all_agrees_with_nothing() -> None:
    found = further(spearman, LABELS, NEAR, np.full(120, 3.0), FAMILIES)
    assert found.value == pytest.approx(spearman(LABELS, NEAR))
