"""Two systems on the same items: difference, test, effect, and what is missing."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from limner.evaluate.statistics.clusters import StatisticsError
from limner.evaluate.statistics.paired import compare, sign_flip


def scores(random: np.random.Generator, probability: float, items: int = 90) -> dict[str, float]:
    return {str(n): float(random.random() < probability) for n in range(items)}


def test_few_families_are_tested_exactly() -> None:
    sums = np.array([2.0, -0.5, 1.0, 3.0, 0.7])
    size = abs(sums.sum())
    flips = [abs(np.dot(signs, sums)) >= size - 1e-9 for signs in product((-1, 1), repeat=5)]
    assert sign_flip(sums) == (np.mean(flips), True)


def test_many_families_are_tested_by_a_sample_of_flips_that_agrees_with_all_of_them() -> None:
    sums = np.random.default_rng(0).normal(0.3, 1, 17)
    sampled, exact = sign_flip(sums)
    signs = 1 - 2 * (np.arange(1 << 17)[:, None] >> np.arange(17) & 1)
    assert not exact
    assert sampled == pytest.approx(np.mean(np.abs(signs @ sums) >= abs(sums.sum()) - 1e-9), abs=0.012)


def test_a_sampled_p_is_never_zero() -> None:
    assert sign_flip(np.ones(200))[0] == pytest.approx(1 / 20_001)


@pytest.mark.parametrize("families", [12, 30])
def test_systems_that_are_alike_differ_at_5_percent_in_at_most_5_percent_of_studies(families: int) -> None:
    random = np.random.default_rng(families)
    sums = random.integers(-1, 2, (400, families)) * random.geometric(0.3, (400, families))
    found = np.mean([sign_flip(row.astype(float), many=999)[0] <= 0.05 for row in sums])
    assert 0.015 <= found <= 0.08


def test_the_difference_has_the_sign_of_who_is_better_and_shares_add_up() -> None:
    random = np.random.default_rng(1)
    found = compare(scores(random, 0.9), scores(random, 0.4))
    assert found.difference.low > 0
    assert found.p < 0.001
    assert found.better > found.worse
    assert found.better + found.same + found.worse == pytest.approx(1)
    assert found.difference.value == pytest.approx(found.better - found.worse)


def test_the_effect_is_the_mean_difference_in_its_standard_deviations() -> None:
    found = compare({"a": 3, "b": 5, "c": 4}, {"a": 2, "b": 3, "c": 4})
    assert found.effect == pytest.approx(1.0)


def test_a_family_counts_once() -> None:
    random = np.random.default_rng(2)
    first = {f"{n}-{k}": score for n in range(12) for score in [float(random.random() < 0.8)] for k in range(20)}
    second = {f"{n}-{k}": score for n in range(12) for score in [float(random.random() < 0.5)] for k in range(20)}
    families = {item: item.split("-")[0] for item in first}
    alone, together = compare(first, second), compare(first, second, families)
    assert together.p > 10 * alone.p
    assert together.difference.error > 3 * alone.difference.error


def test_swapping_the_systems_turns_everything_around() -> None:
    random = np.random.default_rng(3)
    one, two = scores(random, 0.7), scores(random, 0.6)
    there, back = compare(one, two), compare(two, one)
    assert (there.p, there.better, there.difference.value) == (back.p, back.worse, -back.difference.value)


def test_equal_systems_have_no_difference_but_an_interval() -> None:
    one = scores(np.random.default_rng(4), 0.7)
    found = compare(one, one)
    assert (found.p, found.effect, found.same) == (1.0, 0.0, 1.0)
    assert found.difference.low < 0 < found.difference.high


def test_items_that_one_system_lacks_are_an_error_that_names_them_and_are_dropped_only_when_asked() -> None:
    one, two = {"a": 1.0, "b": 0.0, "c": 1.0}, {"a": 1.0, "c": 0.0, "d": 1.0}
    with pytest.raises(StatisticsError, match="1 items only the first system has, 1 only the second: b, d"):
        compare(one, two)
    found = compare(one, two, missing="drop")
    assert found.missing == ("b", "d")
    assert found.difference.items == 2


def test_systems_with_no_item_in_common_are_an_error() -> None:
    with pytest.raises(StatisticsError, match="at least one"):
        compare({"a": 1.0}, {"b": 1.0}, missing="drop")


def test_row_is_json() -> None:
    import json

    row = compare({"a": 2.0, "b": 2.0}, {"a": 1.0, "b": 1.0}).row()
    assert json.loads(json.dumps(row, allow_nan=False))["effect"] is None
