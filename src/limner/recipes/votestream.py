"""Composed streams of votes, with the interest behind them: how well a ranking by votes tells what is of interest now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

Floats = NDArray[np.float64]
Ranking = Callable[["Stream"], Mapping[str, float]]
"""Scores of papers, by what is known of a stream besides its interest."""

HOUR = 3_600.0


@dataclass(frozen=True)
class Stream:
    """Votes of each paper, when it came, and how many votes an hour it draws at the time `now`. Times are seconds."""

    votes: dict[str, list[float]]
    born: dict[str, float]
    now: float
    interest: dict[str, float]


def composed(
    seed: int, papers: int = 60, days: float = 14.0, much: float = 1.0, wakened: float = 0.2, idle: float = 0.2
) -> Stream:
    """A stream of votes over so many days. Papers come evenly; what each draws is lognormal at first and wanes within days (e-folding 1 to 4 days);
    a share is `wakened` later, by some event, as strongly as new. A share `idle` of all votes falls on papers by chance. `much` is how many votes a
    new paper draws an hour, in the median."""
    chance = np.random.default_rng(seed)
    born = np.sort(chance.uniform(0, days * 24, papers))
    strength, fade = much * chance.lognormal(0.0, 1.0, papers), chance.uniform(24, 96, papers)
    again = np.where(chance.random(papers) < wakened, chance.uniform(born, days * 24), np.inf)
    hours = np.arange(0, days * 24, 1.0)

    def rate(at: Floats) -> Floats:
        """Papers x times: votes an hour."""
        since, woken = at - born[:, None], at - again[:, None]
        first = np.where(since >= 0, np.exp(-np.maximum(since, 0) / fade[:, None]), 0.0)
        second = np.where(woken >= 0, np.exp(-np.maximum(woken, 0) / fade[:, None]), 0.0)
        return strength[:, None] * (first + second)

    drawn = rate(hours)
    there = hours >= born[:, None]
    by_chance = there * (idle / (1 - idle) * drawn.sum(axis=0) / np.maximum(there.sum(axis=0), 1))
    counts = chance.poisson(drawn + by_chance)
    names = [f"paper-{n:03d}" for n in range(papers)]
    votes = {
        name: sorted((HOUR * np.repeat(hours, row) + chance.uniform(0, HOUR, int(row.sum()))).tolist())
        for name, row in zip(names, counts, strict=True)
    }
    now = days * 24 * HOUR
    interest = rate(np.array([days * 24.0]))[:, 0]
    return Stream(
        votes, dict(zip(names, (HOUR * born).tolist(), strict=True)), now, dict(zip(names, interest.tolist(), strict=True))
    )


def decayed(stream: Stream, half_life: float = 24.0) -> dict[str, float]:
    """The votes of each paper, each halved every `half_life` hours (forward decay: Cormode et al. 2009, section 2)."""
    age = {paper: (stream.now - np.asarray(at, float)) / HOUR for paper, at in stream.votes.items()}
    return {paper: float(np.exp2(-hours / half_life).sum()) for paper, hours in age.items()}


def told(stream: Stream, ranking: Ranking, most: int = 10) -> tuple[float, float]:
    """How well a ranking tells the interest of now: Spearman's rank correlation, and the share of the `most` papers of most interest that are among
    its own."""
    scores = ranking(stream)
    names = sorted(stream.interest)
    ours, truth = np.array([scores[n] for n in names]), np.array([stream.interest[n] for n in names])
    both = set(np.argsort(-ours, kind="stable")[:most].tolist()) & set(np.argsort(-truth, kind="stable")[:most].tolist())
    return float(spearmanr(ours, truth)[0]), len(both) / most  # pyright: ignore[reportUnknownArgumentType, reportArgumentType]
