"""Systems ranked by verdicts between two: Bradley-Terry strengths, Davidson's with ties, win rates; with intervals over clusters of items.

A tie is treated in one of five ways:

`drop`      it is left out
`nothing`   it counts as a match that nobody won; strengths are those of `drop`
`half`      half a win for each
`lean`      a win of the side that the judge leaned to, where the verdict says so ("Tie(A)"), half a win for each where it does not
`davidson`  an outcome of its own: P(tie) is proportional to the geometric mean of the strengths (Davidson 1970); a win rate counts it half
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats
from scipy.sparse.csgraph import connected_components

from limner.evaluate.statistics.bootstrap import mean
from limner.evaluate.statistics.clusters import Floats, Interval, Resampling, StatisticsError, codes, finite, resamples
from limner.evaluate.statistics.strengths import fit

Ties = Literal["drop", "nothing", "half", "lean", "davidson"]
TIES: tuple[Ties, ...] = get_args(Ties)

_VERDICT = re.compile(r"\s*(?:(a|b)|tie(?:\s*\(\s*(a|b)\s*\))?)\s*", re.IGNORECASE)
_SYSTEMS = 500


class Match(Protocol):
    """A verdict: the two systems, and who won: "A", "B", "Tie", "Tie(A)" or "Tie(B)", in any case of letters."""

    @property
    def a(self) -> str: ...
    @property
    def b(self) -> str: ...
    @property
    def winner(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A system: its `strength` in natural log-odds (the mean of all is 0) and rank with their intervals, the win rate over its matches."""

    system: str
    strength: float
    low: float
    high: float
    rank: int
    rank_low: int
    rank_high: int
    rate: Interval
    matches: int

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "system": self.system, "strength": finite(self.strength), "low": finite(self.low), "high": finite(self.high),
            "rank": self.rank, "rank_low": self.rank_low, "rank_high": self.rank_high, "win_rate": self.rate.row(), "matches": self.matches,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ranking:
    """Systems from the strongest on.

    `tie`         of Davidson's model: nu, how probable a tie of equals is over a win of one, nu / (2 + nu) in all; None otherwise
    `unleaned`    ties that say no side, where sides were asked for
    `separated`   where no verdict of a lower group goes against a higher one, the groups from the top: what their strengths are apart is then not
                  told by the verdicts: the estimates are as far apart as the weak prior lets them be, and their intervals have no end on the side of
                  another group. One group otherwise.
    """

    ties: Ties
    places: tuple[Place, ...]
    tie: float | None
    matches: int
    tied: int
    unleaned: int
    clusters: int
    separated: tuple[tuple[str, ...], ...]

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "ties": self.ties, "places": [place.row() for place in self.places], "tie": self.tie, "matches": self.matches, "tied": self.tied,
            "unleaned": self.unleaned, "clusters": self.clusters, "separated": [list(group) for group in self.separated],
        }  # fmt: skip


def verdict(winner: str) -> tuple[str, str]:
    """Who won, "a", "b" or "tie", and which side a tie leans to, or "". Raises `StatisticsError` for what is none.

    >>> verdict("Tie(A)"), verdict("B")
    (('tie', 'a'), ('b', ''))
    """
    found = _VERDICT.fullmatch(winner[:100])
    if not found:
        raise StatisticsError(f"{winner[:100]!r} is no verdict: A, B, Tie, Tie(A) or Tie(B)")
    won, lean = ((part or "").lower() for part in found.groups())
    return (won, "") if won else ("tie", lean)


def groups(matches: Sequence[Match]) -> list[list[str]]:
    """The systems that chains of comparisons join, largest group first. Strengths compare within a group only."""
    names, at = _systems(matches)
    met = np.zeros((len(names), len(names)), np.bool_)
    met[at[:, 0], at[:, 1]] = True
    many, label = _components(met, "weak")
    return sorted(([names[i] for i in np.flatnonzero(label == group)] for group in range(many)), key=len, reverse=True)


def rank(
    matches: Sequence[Match], clusters: Sequence[Hashable], ties: Ties = "davidson", settings: Resampling | None = None
) -> Ranking:
    """The ranking of the systems by their matches; `clusters` names each match's (its item, or the item's family). Raises `StatisticsError` for
    verdicts that are none, systems that meet themselves, and systems that no chain of counted comparisons joins.

    Intervals of strengths are expanded percentiles of resampled clusters (Hesterberg 2015), those of ranks their percentiles."""
    settings = settings or Resampling(resamples=1_000)
    if ties not in TIES:
        raise StatisticsError(f"{ties!r} is no way to treat ties: {', '.join(TIES)}")
    names, at = _systems(matches)
    numbers, count = codes(clusters, len(matches))
    said = [verdict(match.winner) for match in matches]
    tied = np.array([who == "tie" for who, _ in said])
    lean = np.array([side for _, side in said])
    # what a match gives to its first system, and whether it counts
    given = np.array([{"a": 1.0, "b": 0.0}.get(who, 0.5) for who, _ in said])
    if ties == "lean":
        given = np.where(tied & (lean == "a"), 1.0, np.where(tied & (lean == "b"), 0.0, given))
    counted = ~tied if ties in ("drop", "nothing") else np.ones(len(said), np.bool_)
    apart = groups([match for match, use in zip(matches, counted, strict=True) if use]) if counted.any() else []
    if len(apart) != 1 or len(apart[0]) != len(names):
        shown = " | ".join(", ".join(group[:6]) for group in apart[:6]) or "no match counts"
        raise StatisticsError(f"no chain of comparisons joins all {len(names)} systems, they cannot be ranked together: {shown}")
    draw = (given == 0.5) & counted if ties == "davidson" else np.zeros(len(said), np.bool_)
    outcomes = _outcomes(
        at, numbers, np.where(counted & ~draw, given, 0), np.where(counted & ~draw, 1 - given, 0), draw, len(names), count
    )
    wins, draws = _counts(outcomes, np.ones((1, count)), len(names))
    strength, tie = fit(wins, draws)
    found = _resampled(outcomes, count, len(names), settings)
    separated = _separated(names, wins[0], draws[0])
    if count > 1 and 2 * len(found) >= settings.resamples:
        wide = float(stats.norm.cdf(stats.t.ppf(settings.tail, count - 1) * np.sqrt(count / (count - 1))))
        low, high = np.quantile(found, (wide, 1 - wide), axis=0)
        ranks = stats.rankdata(-found, axis=1, method="min")
        rank_low, rank_high = np.quantile(ranks, (settings.tail, 1 - settings.tail), axis=0, method="nearest")
    else:
        low, high = np.full((2, len(names)), np.array([[-np.inf], [np.inf]]))
        rank_low, rank_high = np.ones(len(names)), np.full(len(names), len(names))
    if len(separated) > 1:
        low = np.where(np.isin(names, separated[0]), low, -np.inf)
        high = np.where(np.isin(names, separated[-1]), high, np.inf)
    places: list[Place] = []
    for i in np.argsort(-strength[0], kind="stable"):
        rate = _rate(i, at, numbers, given, tied, ties, settings)
        own = 1 + int((strength[0] > strength[0, i]).sum())
        value = float(strength[0, i])
        places.append(
            Place(
                names[i], value, min(float(low[i]), value), max(float(high[i]), value),
                own, min(own, int(rank_low[i])), max(own, int(rank_high[i])), rate, rate.items,
            )
        )  # fmt: skip
    return Ranking(
        ties, tuple(places), float(tie[0]) if ties == "davidson" else None, len(said), int(tied.sum()),
        int((tied & (lean == "")).sum()) if ties == "lean" else 0, count, separated,
    )  # fmt: skip


def _systems(matches: Sequence[Match]) -> tuple[list[str], NDArray[np.int64]]:
    """The systems by name, and the numbers of both of each match."""
    names = sorted({name for match in matches for name in (match.a, match.b)})
    if len(names) < 2 or len(names) > _SYSTEMS:
        raise StatisticsError(f"2 to {_SYSTEMS} systems can be ranked, the verdicts name {len(names)}")
    number = {name: i for i, name in enumerate(names)}
    at = np.array([(number[match.a], number[match.b]) for match in matches], np.int64)
    if (same := at[:, 0] == at[:, 1]).any():
        raise StatisticsError(f"{names[at[same][0, 0]]} is compared with itself")
    return names, at


def _outcomes(
    at: NDArray[np.int64],
    numbers: NDArray[np.int64],
    first: Floats,
    second: Floats,
    draw: NDArray[np.bool_],
    systems: int,
    clusters: int,
) -> sparse.csr_array:
    """Wins of each system over each, then draws, a row a cluster: (clusters, 2 systems²)."""
    cell, back = at[:, 0] * systems + at[:, 1], at[:, 1] * systems + at[:, 0]
    pair = systems**2 + np.minimum(cell, back)
    data = np.concatenate([first, second, draw.astype(np.float64)])
    where = (np.tile(numbers, 3), np.concatenate([cell, back, pair]))
    return sparse.coo_array((data, where), (clusters, 2 * systems**2)).tocsr()


def _counts(outcomes: sparse.csr_array, drawn: Floats, systems: int) -> tuple[Floats, Floats]:
    """Wins and draws of each sample, (some, systems, systems) each; draws are symmetric."""
    found = np.asarray(drawn @ outcomes).reshape(len(drawn), 2, systems, systems)
    return found[:, 0], found[:, 1] + found[:, 1].transpose(0, 2, 1)


def _resampled(outcomes: sparse.csr_array, clusters: int, systems: int, settings: Resampling) -> Floats:
    """Strengths under resampled clusters, (some, systems). Resamples in which a system has no match are left out."""
    found: list[Floats] = []
    for drawn in resamples(clusters, settings, 4 * systems**2):
        wins, draws = _counts(outcomes, drawn, systems)
        whole = ((wins + wins.transpose(0, 2, 1) + draws).sum(2) > 0).all(1)
        if whole.any():
            found.append(fit(wins[whole], draws[whole])[0])
    return np.concatenate(found) if found else np.empty((0, systems))


def _rate(
    system: int,
    at: NDArray[np.int64],
    numbers: NDArray[np.int64],
    given: Floats,
    tied: NDArray[np.bool_],
    ties: Ties,
    settings: Resampling,
) -> Interval:
    """How much of its matches a system won."""
    own = (at == system).any(1) & (~tied if ties == "drop" else True)
    score = np.where(at[:, 0] == system, given, 1 - given)
    if ties == "nothing":
        score = np.where(tied, 0.0, score)
    return mean(score[own], numbers[own].tolist(), (0.0, 1.0), settings)


def _separated(names: Sequence[str], wins: Floats, draws: Floats) -> tuple[tuple[str, ...], ...]:
    """The strong components of who has won or drawn against whom, from the top (Ford 1957: one, or there is no estimate of maximum likelihood)."""
    many, label = _components((wins + draws) > 0, "strong")
    winner, loser = np.nonzero((wins + draws) > 0)
    reach = np.eye(many, dtype=np.bool_)
    reach[label[winner], label[loser]] = True
    for _ in range(many.bit_length()):
        reach |= (reach.astype(np.float64) @ reach.astype(np.float64)) > 0
    order = sorted(range(many), key=lambda group: -int(reach[group].sum()))
    return tuple(tuple(names[int(i)] for i in np.flatnonzero(label == group)) for group in order)


def _components(edges: NDArray[np.bool_], connection: Literal["weak", "strong"]) -> tuple[int, NDArray[np.int32]]:
    """How many groups there are, and each system's."""
    found: Any = connected_components(sparse.csr_array(edges), directed=True, connection=connection)
    return int(found[0]), np.asarray(found[1], np.int32)
