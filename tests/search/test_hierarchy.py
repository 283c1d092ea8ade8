"""Search in two steps: what it finds, and what it compares for that."""

from __future__ import annotations

import numpy as np
import pytest

from limner.experts.encoder import unit
from limner.search.hierarchy import Hierarchy, flat


def rows(count: int, seed: int = 0, kinds: int = 20) -> np.ndarray:
    """Rows about `kinds` directions, as sentences about subjects."""
    draw = np.random.default_rng(seed)
    about = np.random.default_rng(7).standard_normal((kinds, 16))
    return unit((about[draw.integers(kinds, size=count)] + 0.4 * draw.standard_normal((count, 16))).astype(np.float32))


@pytest.fixture(scope="module")
def grown() -> Hierarchy:
    return Hierarchy.grown(rows(1_000), 20)


def test_all_clusters_together_find_what_flat_search_finds(grown: Hierarchy):
    asked = rows(30, 1)
    hits = grown.search(asked, 10, len(grown.centres))
    assert np.array_equal(hits.rows, flat(grown.rows, asked, 10).rows)
    assert (hits.compared == len(grown.centres) + 1_000).all()


def test_a_few_clusters_find_most_of_it_at_a_fraction_of_the_comparisons(grown: Hierarchy):
    asked = rows(100, 1)
    whole = flat(grown.rows, asked, 10).rows
    shares = []
    for probes in (1, 2, 4):
        hits = grown.search(asked, 10, probes)
        assert hits.compared.max() < 0.5 * 1_000
        shares.append(np.mean([np.isin(a, b).mean() for a, b in zip(whole, hits.rows, strict=True)]))
    assert shares == sorted(shares)
    assert shares[-1] > 0.9


def test_the_nearest_comes_first_and_a_row_finds_itself(grown: Hierarchy):
    hits = grown.search(grown.rows[:50], 5, 1)
    assert np.array_equal(hits.rows[:, 0], np.arange(50))
    scores = np.take_along_axis(grown.rows[:50] @ grown.rows.T, hits.rows, axis=1)
    assert (np.diff(scores, axis=1) <= 1e-6).all()


def test_more_clusters_are_looked_at_where_the_first_have_too_few_members():
    given = np.eye(6, dtype=np.float32)
    hits = Hierarchy(given, given).search(given[:1], 3, 1)
    assert hits.rows[0, 0] == 0
    assert (hits.rows >= 0).all()
    assert hits.compared[0] == 6 + 3


def test_fewer_rows_than_are_asked_for_leave_minus_one():
    given = rows(3)
    for hits in (Hierarchy.grown(given, 2).search(given, 5, 2), flat(given, given, 5)):
        assert [(row >= 0).sum() for row in hits.rows] == [3, 3, 3]


def test_the_same_seed_grows_the_same_clusters():
    given = rows(300)
    assert np.array_equal(Hierarchy.grown(given, 10, 3).labels, Hierarchy.grown(given, 10, 3).labels)
