"""Several rankings made one: what decides, and what does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from limner.search.fuse import FOREIGN, KIN, KNOWN, Weights, fused, standing

Ranking = list[tuple[int, float]]


def order(rankings: dict[str, Ranking], weights: Weights = KNOWN) -> list[int]:
    return [key for key, _, _ in fused(rankings, lambda _: weights, 1_000)]


def falling(keys: Sequence[int], seed: int = 0) -> Ranking:
    """Likenesses as chance deals them: the best of many, which fall off exponentially."""
    drawn = np.sort(np.random.default_rng(seed).exponential(0.02, len(keys)))[::-1]
    return [(key, 0.1 + float(score)) for key, score in zip(keys, drawn, strict=True)]


WORDS: Ranking = [(1, 0.1), (2, 0.08), (3, 0.03)]


@pytest.mark.parametrize(
    ("way", "weights"), [("words", KNOWN), ("text", KNOWN), ("pixels", KNOWN), ("words", FOREIGN), ("text", FOREIGN)]
)
def test_one_ranking_alone_keeps_its_order(way: str, weights: Weights):
    assert order({way: [(5, 0.9), (1, 0.5), (7, 0.2)]}, weights) == [5, 1, 7]
    assert order({way: [(5, 0.9)]}, weights) == [5]
    assert order({way: []}, weights) == []


def test_in_a_foreign_language_neither_the_scale_nor_the_height_of_likenesses_counts():
    alike = falling(range(2, 200))
    other = [(key, 0.9 + score / 20) for key, score in alike]
    same, known = (
        [
            [(k, round(s, 6)) for k, s, _ in fused({"words": WORDS, "text": text}, lambda _, w=w: w, 1_000)]
            for text in (alike, other)
        ]
        for w in (FOREIGN, KNOWN)
    )
    assert same[0] == same[1]
    assert known[0] != known[1]


@pytest.mark.parametrize("weights", [KNOWN, KIN, FOREIGN])
def test_what_stands_far_out_by_meaning_comes_first_and_what_chance_deals_does_not(weights: Weights):
    alike = falling(range(10, 200))
    assert order({"words": WORDS, "text": alike}, weights)[0] == 1
    assert order({"words": WORDS, "text": [(9, 0.9), *alike]}, weights)[0] == 9


def test_meaning_decides_between_units_that_have_as_many_of_the_words():
    assert order({"words": [(1, 0.3), (2, 0.3), (3, 0.3)], "text": [(3, 0.5), (2, 0.4), (1, 0.3)]}, FOREIGN) == [3, 2, 1]


def test_what_has_all_the_words_is_asked_for_by_name():
    assert order({"words": [(1, 1.0), (2, 0.9)], "text": [(2, 0.9), *falling(range(10, 200))]}, FOREIGN)[0] == 1
    assert order({"words": [(1, 0.2), (2, 0.18)], "text": [(2, 0.9), *falling(range(10, 200))]}, FOREIGN)[0] == 2


def test_a_ranking_says_what_it_gave_and_the_most_are_kept():
    found = fused({"words": WORDS, "text": [(3, 0.8), (4, 0.2)]}, lambda _: KNOWN, 2)
    assert len(found) == 2
    assert {key: given for key, _, given in found}[1] == {"words": 0.1}


def test_scores_that_are_all_alike_do_not_stand_out():
    assert standing(np.full(5, 0.7)).tolist() == [0.0] * 5
    assert standing(np.empty(0)).tolist() == []
