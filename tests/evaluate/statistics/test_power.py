"""What a set can tell apart is what a test on simulated sets finds as often as said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from limner.evaluate.statistics.bootstrap import mean
from limner.evaluate.statistics.clusters import Interval, StatisticsError, means
from limner.evaluate.statistics.power import detectable, items_needed, power


def found(random: np.random.Generator, clusters: int, shift: float, studies: int) -> float:
    """The share of studies whose t-test at 5 % finds the shift; families of three correlated items."""
    family = random.standard_normal((studies, clusters))
    sums = 3 * (0.5 * family + shift) + random.standard_normal((studies, clusters, 3)).sum(2)
    each = means(sums, np.full(sums.shape, 3.0))
    return float(np.mean(np.abs(each.value) > stats.t.ppf(0.975, each.freedom) * np.sqrt(each.variance)))


ERROR = np.sqrt(0.25 + 1 / 3)  # of the mean of one family


@pytest.mark.parametrize("clusters", [6, 40])
def test_a_difference_that_can_be_told_apart_is_found_in_80_percent_of_studies(clusters: int) -> None:
    pilot = Interval(0.0, 0.0, 0.0, ERROR / np.sqrt(clusters), clusters - 1.0, 3 * clusters, clusters)
    told = detectable(pilot)
    assert found(np.random.default_rng(1), clusters, told.detectable, 3_000) == pytest.approx(0.8, abs=0.025)


def test_a_set_as_large_as_planned_finds_the_difference_in_80_percent_of_studies() -> None:
    pilot = Interval(0.0, 0.0, 0.0, ERROR / np.sqrt(20), 19.0, 60, 20)
    needed = items_needed(pilot, 0.2)
    assert needed % 3 == 0
    assert found(np.random.default_rng(2), needed // 3, 0.2, 3_000) == pytest.approx(0.8, abs=0.025)


def test_planning_for_what_a_set_can_tell_apart_asks_for_that_set() -> None:
    pilot = mean(np.random.default_rng(0).normal(0, 1, 120), [n // 4 for n in range(120)])
    assert items_needed(pilot, detectable(pilot).detectable) == pytest.approx(120, abs=4)


def test_power_agrees_with_the_noncentral_t() -> None:
    edge = stats.t.ppf(0.975, 9)
    expected = stats.nct.sf(edge, 9, 2.5) + stats.nct.cdf(-edge, 9, 2.5)
    assert power(2.5, 1.0, 9) == pytest.approx(expected, abs=1e-4)
    assert power(0.0, 1.0, 9) == pytest.approx(0.05, abs=1e-4)


def test_half_the_difference_needs_four_times_the_items_nearly() -> None:
    pilot = Interval(0.0, 0.0, 0.0, 0.1, 99.0, 100, 100)
    assert items_needed(pilot, 0.1) / items_needed(pilot, 0.2) == pytest.approx(4, rel=0.03)


def test_a_set_without_variation_says_that_it_cannot_say() -> None:
    told = detectable(mean([0.0] * 10, range(10), (-1, 1)))
    assert told.row()["detectable"] is None
    assert "can't say" in str(told)


@pytest.mark.parametrize("smallest", [0.0, -1.0, 1e-9])
def test_impossible_plans_are_errors(smallest: float) -> None:
    with pytest.raises(StatisticsError):
        items_needed(Interval(0.0, 0.0, 0.0, 0.1, 99.0, 100, 100), smallest)
