"""Intervals of means and of other statistics hold the truth as often as they say, and stay sensible where data say little."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from limner.evaluate.statistics.bootstrap import mean, mean_intervals, statistic
from limner.evaluate.statistics.clusters import Resampling, StatisticsError, means

Floats = NDArray[np.float64]
STUDIES, FAMILIES = 1_000, 30


def exponential(random: np.random.Generator) -> tuple[Floats, Floats]:
    """Scores of mean 1, in families of geometric sizes whose items are correlated: sums and counts of each family of each study."""
    sizes = random.geometric(0.2, (STUDIES, FAMILIES))
    flat = sizes.ravel()
    z = np.repeat(np.sqrt(0.3) * random.standard_normal(flat.size), flat) + np.sqrt(0.7) * random.standard_normal(flat.sum())
    sums = np.add.reduceat(-stats.norm.logsf(z), np.cumsum(flat) - flat)
    return sums.reshape(sizes.shape), sizes.astype(np.float64)


def right(random: np.random.Generator, probability: float) -> tuple[Floats, Floats]:
    """Right or wrong, beta-binomial in such families."""
    sizes = random.geometric(0.2, (STUDIES, FAMILIES))
    own = random.beta(4 * probability, 4 * (1 - probability), sizes.shape)
    return random.binomial(sizes, own).astype(np.float64), sizes.astype(np.float64)


def held(interval: tuple[Floats, Floats], truth: float) -> float:
    return float(np.mean((interval[0] <= truth) & (truth <= interval[1])))


# --- coverage: 1,000 studies, so that a figure has an error of 1.4 points ----------------------------------------------------


def test_95_percent_intervals_of_skewed_scores_in_unequal_families_hold_the_mean_in_95_percent_of_studies() -> None:
    sums, counts = exponential(np.random.default_rng(1))
    assert 0.93 <= held(mean_intervals(sums, counts, None, Resampling(resamples=999)), 1.0) <= 0.97


@pytest.mark.parametrize("probability", [0.5, 0.9])
def test_intervals_of_right_or_wrong_do_too(probability: float) -> None:
    sums, counts = right(np.random.default_rng(2), probability)
    assert 0.93 <= held(mean_intervals(sums, counts, (0, 1), Resampling(resamples=999)), probability) <= 0.975


def test_the_check_of_coverage_can_fail_intervals_over_items_and_plain_t_fall_below() -> None:
    sums, counts = right(np.random.default_rng(2), 0.9)
    total = counts.sum(1)
    value = sums.sum(1) / total
    naive = 1.96 * np.sqrt(value * (1 - value) / total)
    assert held((value - naive, value + naive), 0.9) < 0.90
    sums, counts = exponential(np.random.default_rng(1))
    each = means(sums, counts)
    plain = 2.045 * np.sqrt((each.residuals**2).sum(1)) / counts.sum(1)
    assert held((each.value - plain, each.value + plain), 1.0) < 0.93


def test_intervals_of_level_80_percent_hold_in_80_percent() -> None:
    sums, counts = exponential(np.random.default_rng(3))
    assert 0.76 <= held(mean_intervals(sums, counts, None, Resampling(0.8, 999)), 1.0) <= 0.85


# --- what the variance is ----------------------------------------------------------------------------------------------------


def test_of_families_of_one_the_error_is_that_of_a_mean_with_all_degrees_of_freedom() -> None:
    scores = np.random.default_rng(0).exponential(1, 40)
    found = mean(scores, range(40))
    assert found.error == pytest.approx(scores.std(ddof=1) / np.sqrt(40))
    assert found.freedom == pytest.approx(39)
    assert found.value == pytest.approx(scores.mean())


def test_items_that_repeat_each_other_tell_no_more_than_one() -> None:
    scores = np.random.default_rng(0).normal(0, 1, 40)
    once, thrice = mean(scores, range(40)), mean(np.repeat(scores, 3), np.repeat(range(40), 3).tolist())
    assert (thrice.low, thrice.high, thrice.error) == pytest.approx((once.low, once.high, once.error))
    assert mean(np.repeat(scores, 3), range(120)).error < 0.6 * thrice.error


def test_unequal_families_have_fewer_degrees_of_freedom() -> None:
    clusters = ["large"] * 50 + [f"small {n}" for n in range(10)]
    assert mean(np.random.default_rng(0).normal(0, 1, 60), clusters).freedom < 3


# --- where data say little ---------------------------------------------------------------------------------------------------


def test_all_right_has_an_interval_by_the_rule_of_three_over_families() -> None:
    found = mean([1.0] * 60, [n // 2 for n in range(60)])
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 30))


def test_scores_all_alike_within_known_ends_have_an_interval_and_without_ends_an_infinite_one() -> None:
    found = mean([0.5] * 10, range(10), (0, 1))
    assert 0 < found.low < 0.5 < found.high < 1
    assert mean([0.5] * 10, range(10)).row()["low"] is None


def test_one_family_tells_nothing_of_others() -> None:
    found = mean([0.2, 0.9, 0.4], ["a", "a", "a"])
    assert (found.low, found.high, found.clusters) == (-np.inf, np.inf, 1)


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.integers(0, 8)), min_size=1, max_size=40),
    st.sampled_from([(0.0, 1.0), (-1.0, 2.0)]),
)
@settings(max_examples=40, deadline=None)
def test_intervals_hold_their_mean_lie_within_the_ends_and_are_never_empty(
    items: list[tuple[float, int]], ends: tuple[float, float]
) -> None:
    found = mean([score for score, _ in items], [family for _, family in items], ends, Resampling(resamples=200))
    assert ends[0] <= found.low <= found.value <= found.high <= ends[1]
    assert found.low < found.high


def test_the_scale_does_not_matter() -> None:
    scores = np.random.default_rng(0).integers(0, 6, 50)
    five, one = mean(scores, range(50), (0, 5)), mean(scores / 5, range(50), (0, 1))
    assert (five.low / 5, five.high / 5) == pytest.approx((one.low, one.high))


def test_the_same_seed_gives_the_same_interval() -> None:
    scores = np.random.default_rng(0).exponential(1, 30)
    assert mean(scores, range(30)) == mean(scores, range(30))
    assert mean(scores, range(30)) != mean(scores, range(30), settings=Resampling(seed=1))


@pytest.mark.parametrize(
    ("scores", "families", "ends", "says"),
    [
        ([], [], None, "at least one"),
        ([1.0, float("nan")], ["a", "b"], None, "not finite"),
        ([1.0, 7.0], ["a", "b"], (0, 5), "not within 0 to 5"),
        ([1.0, 2.0], ["a"], None, "2 items have 1 clusters"),
    ],
)
def test_what_cannot_be_averaged_is_said(
    scores: list[float], families: list[str], ends: tuple[float, float] | None, says: str
) -> None:
    with pytest.raises(StatisticsError, match=says):
        mean(scores, families, ends)


# --- other statistics --------------------------------------------------------------------------------------------------------


def test_a_weighted_mean_as_a_statistic_has_the_mean_s_interval_nearly() -> None:
    scores = np.random.default_rng(0).normal(3, 1, 60)
    families = [n // 2 for n in range(60)]
    one, other = mean(scores, families), statistic(lambda weights: weights @ scores / weights.sum(1), families)
    assert other.error == pytest.approx(one.error)
    assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=0.2 * one.error)


def test_f1_of_detections_is_covered_at_30_families() -> None:
    random = np.random.default_rng(5)

    def found(families: int) -> Floats:
        """True positives, false positives and misses by item."""
        return np.stack([random.poisson(lam * random.gamma(2, 0.5, families)) for lam in (4, 1, 2)]).astype(np.float64)

    def f1(counts: Floats, weights: Floats) -> Floats:
        hits, wrong, missed = (weights @ row for row in counts)
        return 2 * hits / (2 * hits + wrong + missed)

    truth = 8 / 11
    inside = 0
    for _ in range(300):
        counts = found(30)
        interval = statistic(lambda weights, counts=counts: f1(counts, weights), range(30), (0, 1), Resampling(resamples=300))
        inside += interval.low <= truth <= interval.high
    assert 0.91 <= inside / 300 <= 0.985


def test_a_statistic_that_items_do_not_have_has_no_end() -> None:
    found = statistic(lambda weights: np.full(len(weights), np.nan), range(5))
    assert (found.low, found.high, found.row()["value"]) == (-np.inf, np.inf, None)
