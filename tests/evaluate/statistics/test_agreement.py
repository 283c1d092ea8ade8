"""Agreement of judges against published examples, values worked by hand, and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from limner.evaluate.statistics.agreement import NAMES, Name, agreement, cohen, kendall, krippendorff, percent, spearman
from limner.evaluate.statistics.clusters import Resampling, StatisticsError

N = np.nan

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C: four observers, twelve units, missing values
PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
)


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)])
def test_alpha_of_the_published_example_with_missing_values(level: str, alpha: float) -> None:
    assert krippendorff(PUBLISHED, level) == pytest.approx(alpha, abs=5e-4)  # type: ignore[arg-type]


def test_alpha_of_the_published_example_of_two_observers_and_two_values() -> None:
    # section A: ten units, 0 or 1
    ratings = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
    assert krippendorff(ratings, "nominal") == pytest.approx(0.095, abs=5e-4)


def test_alpha_of_the_published_example_of_two_observers_and_five_values() -> None:
    # section B: twelve units, a to e
    one, two = "aabbdcccedda", "babbbccceddd"
    codes = {name: n for n, name in enumerate("abcde")}
    assert krippendorff([[codes[x] for x in one], [codes[x] for x in two]], "nominal") == pytest.approx(0.692, abs=5e-4)


def test_alpha_of_four_ratings_by_hand() -> None:
    # units (1,1) (1,2): coincidences o11 = 2, o12 = o21 = 1; n1 = 3, n2 = 1; alpha = 1 - (4 - 1) * 2 / (2 * 3 * 1)
    assert krippendorff([[1, 1], [1, 2]], "nominal") == pytest.approx(0.0)


def test_alpha_is_one_where_all_agree_and_has_no_value_where_nothing_varies() -> None:
    assert krippendorff([[1, 2, 3], [1, 2, 3]], "interval") == pytest.approx(1)
    assert np.isnan(krippendorff([[2, 2, 2], [2, 2, 2]], "interval"))
    assert np.isnan(krippendorff([[1, N, 3], [N, 2, N]], "interval"))


def test_alpha_of_an_interval_scale_is_that_of_any_line_of_it_and_of_an_ordinal_one_of_any_order_keeping_map() -> None:
    assert krippendorff(3 * PUBLISHED + 7, "interval") == pytest.approx(krippendorff(PUBLISHED, "interval"))
    assert krippendorff(PUBLISHED**3, "ordinal") == pytest.approx(krippendorff(PUBLISHED, "ordinal"))
    assert krippendorff(5 * PUBLISHED, "ratio") == pytest.approx(krippendorff(PUBLISHED, "ratio"))


# Cohen's weights on a table: rows of one judge 0, 1, 2, columns of the other
TABLE = np.array([[20, 5, 1], [3, 15, 6], [2, 4, 14]])
FIRST = np.repeat([0, 0, 0, 1, 1, 1, 2, 2, 2], TABLE.ravel())
SECOND = np.repeat([0, 1, 2] * 3, TABLE.ravel())


@pytest.mark.parametrize(
    ("weighting", "apart"), [("none", lambda d: d > 0), ("linear", lambda d: d), ("quadratic", lambda d: d**2)]
)
def test_kappa_is_one_less_disagreement_over_that_of_chance(weighting: str, apart: object) -> None:
    weight = apart(np.abs(np.subtract.outer(range(3), range(3))))  # type: ignore[operator]
    chance = np.outer(TABLE.sum(1), TABLE.sum(0)) / TABLE.sum()
    assert cohen(FIRST, SECOND, weighting) == pytest.approx(1 - (weight * TABLE).sum() / (weight * chance).sum())  # type: ignore[arg-type]


def test_kappa_of_a_known_table() -> None:
    # both yes 20, both no 15, 5 and 10 apart, of 50: agreement 0.7, by chance 0.5
    one, two = [1] * 25 + [0] * 25, [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert cohen(one, two) == pytest.approx(0.4)


def test_rank_correlations_with_ties_are_scipy_s() -> None:
    random = np.random.default_rng(0)
    one = random.integers(0, 5, 200)
    two = one + random.integers(-2, 3, 200)
    assert spearman(one, two) == pytest.approx(stats.spearmanr(one, two)[0])
    assert kendall(one, two) == pytest.approx(stats.kendalltau(one, two)[0])
    assert percent(one, two) == pytest.approx(np.mean(one == two))


def test_ten_thousand_items_with_as_many_values_are_no_burden() -> None:
    random = np.random.default_rng(0)
    one = random.standard_normal(10_000)
    two = one + random.standard_normal(10_000)
    assert krippendorff([one, two], "interval") == pytest.approx(2 / 3, abs=0.02)
    assert spearman(one, two) == pytest.approx(stats.spearmanr(one, two)[0])
    with pytest.raises(StatisticsError, match="round them"):
        agreement("kendall", [one, two], range(10_000))


def test_a_judge_who_gives_one_grade_only_has_no_correlation() -> None:
    assert np.isnan(spearman([1, 2, 3], [2, 2, 2]))
    assert np.isnan(kendall([1, 2, 3], [2, 2, 2]))


# --- intervals ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_item_that_counts_twice_is_an_item_that_stands_twice(name: Name) -> None:
    """Resamples are weights: an interval over two equal halves has the value of one half."""
    random = np.random.default_rng(1)
    one = random.integers(1, 6, 40).astype(float)
    half = np.stack([one, np.clip(one + random.integers(-1, 2, 40), 1, 5)])
    alone = agreement(name, half, range(40), Resampling(resamples=100))
    twice = agreement(name, np.tile(half, 2), [*range(40), *range(40)], Resampling(resamples=100))
    # alpha alone knows how few ratings there are
    assert twice.value == pytest.approx(alone.value, abs=0.01 if name.startswith("alpha") else 1e-12)
    assert twice.clusters == 40
    assert (twice.low, twice.high) == pytest.approx((alone.low, alone.high), abs=0.02)


@pytest.mark.parametrize("name", ["spearman", "alpha interval"])
def test_intervals_hold_the_agreement_of_a_very_large_study(name: Name) -> None:
    random = np.random.default_rng(2)

    def judged(items: int) -> np.ndarray:
        quality = random.standard_normal(items)
        return np.stack([np.digitize(quality + 0.7 * random.standard_normal(items), (-1, 0, 1)) for _ in range(2)])

    truth = agreement(name, judged(100_000), [0] * 100_000).value
    found = [agreement(name, judged(40), range(40), Resampling(resamples=200)) for _ in range(200)]
    assert 0.90 <= np.mean([each.low <= truth <= each.high for each in found]) <= 0.99


def test_judges_who_agree_on_all_have_an_interval_that_is_not_empty() -> None:
    found = agreement("alpha nominal", [[1, 2, 1, 2, 1]] * 2, range(5))
    assert found.value == found.high == 1
    assert found.low < 0.9


def test_a_cluster_that_is_missing_or_a_third_judge_is_said() -> None:
    with pytest.raises(StatisticsError, match="3 items have 2 clusters"):
        agreement("kendall", [[1, 2, 3], [1, 2, 3]], ["a", "b"])
    with pytest.raises(StatisticsError, match="of two judges"):
        agreement("kappa", np.ones((3, 4)), range(4))
    with pytest.raises(StatisticsError, match="rated the same items"):
        spearman([1, 2], [1, 2, 3])
    with pytest.raises(StatisticsError, match="no agreement"):
        agreement("tau", [[1], [1]], ["a"])  # type: ignore[arg-type]
