"""What trends: votes over a power of the time in which they came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

POWER = 1.8
"""Hacker News's exponent."""

SPAN = 30 * 86_400.0
"""Seconds after which a vote counts no more."""


def gravity(
    votes: Mapping[str, Sequence[float]], now: float, power: float = POWER, born: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Votes / (hours + 2)^1.8, as Hacker News ranks (its news.arc of 2008). Times are seconds of the epoch. Hours are those since the first of a
    paper's votes, so that what is old and found again can trend; or since the times in `born`. What has no votes scores 0.

    >>> gravity({"a": [0.0, 3600.0], "b": []}, 2 * 3600.0, power=1.0)
    {'a': 0.5, 'b': 0.0}
    """
    return {
        paper: len(at) / (max(now - (born[paper] if born else min(at)), 0.0) / 3600 + 2) ** power if at else 0.0
        for paper, at in votes.items()
    }
