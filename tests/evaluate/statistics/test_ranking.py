"""Rankings from verdicts: known strengths found again, ties in each of the ways in use, what cannot be ranked said."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest

from limner.evaluate.statistics.clusters import Resampling, StatisticsError
from limner.evaluate.statistics.ranking import TIES, Ranking, Ties, groups, rank, verdict
from limner.evaluate.statistics.strengths import fit

FEW = Resampling(resamples=200)


@dataclass(frozen=True)
class Match:
    a: str
    b: str
    winner: str


def played(strengths: dict[str, float], nu: float, matches: int, seed: int = 0) -> list[Match]:
    """Davidson's model."""
    random = np.random.default_rng(seed)
    names = sorted(strengths)
    out: list[Match] = []
    for _ in range(matches):
        a, b = random.permutation(names)[:2]
        half = (strengths[a] - strengths[b]) / 2
        odds = np.array([np.exp(half), np.exp(-half), nu])
        out.append(Match(str(a), str(b), str(random.choice(["A", "B", "Tie"], p=odds / odds.sum()))))
    return out


def places(found: Ranking) -> dict[str, float]:
    return {place.system: place.strength for place in found.places}


TRUE = {"v": 1.2, "w": 0.6, "x": 0.0, "y": -0.6, "z": -1.2}


@pytest.mark.parametrize("nu", [0.0, 0.8])
def test_known_strengths_and_the_tie_parameter_are_found_again(nu: float) -> None:
    found = rank(played(TRUE, nu, 8_000), [n // 8 for n in range(8_000)], "davidson", FEW)
    assert [place.system for place in found.places] == list("vwxyz")
    assert places(found) == pytest.approx(TRUE, abs=0.12)
    assert found.tie == pytest.approx(nu, abs=0.06)


def test_strengths_without_ties_are_choix_s() -> None:
    choix = pytest.importorskip("choix")
    wins = np.random.default_rng(0).integers(1, 40, (7, 7)).astype(float)
    np.fill_diagonal(wins, 0)
    other = choix.ilsr_pairwise_dense(wins)
    assert fit(wins[None], np.zeros((1, 7, 7)))[0][0] == pytest.approx(other - other.mean(), abs=1e-4)


def test_at_the_estimate_expected_wins_and_ties_are_those_that_were_seen() -> None:
    random = np.random.default_rng(1)
    wins = random.integers(1, 20, (5, 5)).astype(float)
    draws = np.triu(random.integers(1, 9, (5, 5)), 1).astype(float)
    np.fill_diagonal(wins, 0)
    draws += draws.T
    strengths, nu = fit(wins[None], draws[None])
    half = np.subtract.outer(strengths[0], strengths[0]) / 2
    z = np.exp(half) + np.exp(-half) + nu
    met = wins + wins.T + draws
    points = (met * (np.exp(half) + nu / 2) / z).sum(1)
    assert points == pytest.approx((wins + draws / 2).sum(1), abs=0.01)
    assert (met * nu / z).sum() == pytest.approx(draws.sum(), abs=0.01)


def test_two_systems_differ_by_the_logarithm_of_their_odds() -> None:
    found = rank([Match("x", "y", "A")] * 30 + [Match("y", "x", "A")] * 10, range(40), "drop", FEW)
    assert found.places[0].strength - found.places[1].strength == pytest.approx(np.log(3), abs=1e-3)


# x against y: 4 wins, 2 losses, 3 ties that lean to x, 1 to y, 2 to nobody
SAID = [Match("x", "y", w) for w in ["A"] * 4 + ["B"] * 2 + ["Tie(A)"] * 3 + ["tie(b)"] + ["Tie"] * 2]


@pytest.mark.parametrize(
    ("ties", "rate", "matches"),
    [("drop", 4 / 6, 6), ("nothing", 4 / 12, 12), ("half", 7 / 12, 12), ("lean", 8 / 12, 12), ("davidson", 7 / 12, 12)],
)
def test_each_way_of_ties_has_its_win_rate(ties: Ties, rate: float, matches: int) -> None:
    found = rank(SAID, range(12), ties, FEW)
    first = next(place for place in found.places if place.system == "x")
    assert (first.rate.value, first.matches) == (pytest.approx(rate), matches)
    assert (found.tied, found.unleaned) == (6, 2 if ties == "lean" else 0)
    assert first.rate.low < rate < first.rate.high


@pytest.mark.parametrize(("ties", "odds"), [("drop", 2.0), ("nothing", 2.0), ("half", 7 / 5), ("lean", 2.0), ("davidson", 2.0)])
def test_each_way_of_ties_has_its_strengths(ties: Ties, odds: float) -> None:
    found = rank(SAID, range(12), ties, FEW)
    strengths = places(found)
    assert strengths["x"] - strengths["y"] == pytest.approx(np.log(odds), abs=2e-3)


def test_the_side_of_a_verdict_does_not_matter() -> None:
    turned = [Match(m.b, m.a, {"A": "B", "B": "A", "Tie(A)": "Tie(B)", "tie(b)": "Tie(A)", "Tie": "Tie"}[m.winner]) for m in SAID]
    for ties in TIES:
        assert places(rank(turned, range(12), ties, FEW)) == pytest.approx(places(rank(SAID, range(12), ties, FEW)))


def test_intervals_of_strengths_hold_the_truth_in_95_percent() -> None:
    pairs = list(combinations("xyz", 2))
    true, random, inside = {"x": 0.7, "y": 0.0, "z": -0.7}, np.random.default_rng(4), 0
    for _ in range(80):
        matches = []
        for _ in range(40):
            for a, b in pairs:
                half = (true[a] - true[b]) / 2
                odds = np.array([np.exp(half), np.exp(-half), 0.5])
                matches.append(Match(a, b, ("A", "B", "Tie")[int((random.random() * odds.sum() > np.cumsum(odds)).sum())]))
        found = rank(matches, [n // 3 for n in range(120)], "davidson", FEW)
        inside += sum(place.low <= true[place.system] <= place.high for place in found.places)
    assert 0.90 <= inside / 240 <= 0.99


def test_verdicts_of_one_item_count_as_one_cluster() -> None:
    matches = played(TRUE, 0.5, 300)
    alone, together = rank(matches, range(300), "half", FEW), rank(matches * 4, [*range(300)] * 4, "half", FEW)
    assert places(together) == pytest.approx(places(alone), abs=1e-3)
    for one, other in zip(alone.places, together.places, strict=True):
        assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.02)


def test_systems_that_no_chain_of_comparisons_joins_are_not_ranked_together() -> None:
    matches = [Match("a", "b", "A"), Match("b", "a", "A"), Match("c", "d", "B"), Match("d", "c", "B"), Match("d", "e", "Tie")]
    assert groups(matches) == [["c", "d", "e"], ["a", "b"]]
    with pytest.raises(StatisticsError, match=r"cannot be ranked together: c, d, e \| a, b"):
        rank(matches, range(5), "half")


def test_ties_that_are_dropped_may_be_what_joins_systems() -> None:
    matches = [Match("a", "b", "A"), Match("b", "a", "A"), Match("b", "c", "Tie")]
    assert len(rank(matches, range(3), "half", FEW).places) == 3
    with pytest.raises(StatisticsError, match="cannot be ranked together"):
        rank(matches, range(3), "drop", FEW)


def test_a_system_that_never_lost_is_first_and_how_far_is_said_not_to_be_known() -> None:
    matches = [Match("best", "x", "A")] * 10 + [Match("x", "y", "A"), Match("x", "y", "B")] * 5
    found = rank(matches, range(20), "half", FEW)
    assert found.separated == (("best",), ("x", "y"))
    assert found.places[0].system == "best"
    assert found.places[0].high == np.inf
    assert found.row()["places"][0]["high"] is None
    assert rank(played(TRUE, 0.5, 500), range(500), "half", FEW).separated == (tuple("vwxyz"),)


@pytest.mark.parametrize("said", ["", "C", "A>B", "Tie(C)", "tie (a", "A" * 200])
def test_what_is_no_verdict_is_an_error(said: str) -> None:
    with pytest.raises(StatisticsError, match="is no verdict"):
        verdict(said)


def test_verdicts_are_read_in_any_case_of_letters() -> None:
    assert [verdict(v) for v in ("A", "b", "TIE", "tie(A)", " Tie (B) ")] == [
        ("a", ""),
        ("b", ""),
        ("tie", ""),
        ("tie", "a"),
        ("tie", "b"),
    ]


def test_a_system_against_itself_and_a_lone_system_are_errors() -> None:
    with pytest.raises(StatisticsError, match="compared with itself"):
        rank([Match("a", "b", "A"), Match("a", "a", "A")], range(2))
    with pytest.raises(StatisticsError, match="the verdicts name 0"):
        rank([], [])
