"""The strengths of maximum likelihood of Bradley and Terry's model (1952), and of Davidson's (1970) where there are draws; many samples at once.

With u half the difference of two strengths, P(i beats j) = exp(u) / Z and P(draw) = nu / Z, Z = exp(u) + exp(-u) + nu. Without draws nu is 0 and
the model is Bradley and Terry's. Both are one concave likelihood and one Newton step; `choix`, which has no draws and takes one sample at a time,
gives the same strengths (`tests/evaluate/statistics/test_ranking.py`).
"""

from __future__ import annotations

import numpy as np

from limner.evaluate.statistics.clusters import Floats, StatisticsError

PRIOR = 1e-3
"""The inverse variance of a normal prior on each strength and on log nu: too weak to be seen, but a resample in which a system wins every match has
finite strengths."""

_STEPS, _LONGEST = 200, 2.0


def fit(wins: Floats, draws: Floats) -> tuple[Floats, Floats]:
    """Strengths (samples, systems) in natural log-odds, their mean 0, and nu (samples,), from how often each system beat each (samples, systems,
    systems) and drew with each (symmetric). Raises `StatisticsError` where the steps don't converge.

    >>> strengths, _ = fit(np.array([[[0.0, 3], [1, 0]]]), np.zeros((1, 2, 2)))
    >>> round(float(strengths[0, 0] - strengths[0, 1]), 2)
    1.1
    """
    samples, systems = wins.shape[:2]
    with_draws = bool(draws.any())
    met = wins + wins.transpose(0, 2, 1) + draws
    net = (wins - wins.transpose(0, 2, 1)).sum(2) / 2
    drawn = draws.sum((1, 2)) / 2
    strength, tie = np.zeros((samples, systems)), np.zeros(samples)  # tie: log nu
    diagonal = np.arange(systems)
    for _ in range(_STEPS):
        half = (strength[:, :, None] - strength[:, None]) / 2
        up, down = np.exp(half), np.exp(-half)
        nu = np.exp(tie)[:, None, None] if with_draws else 0.0
        z = up + down + nu
        lead, level = (up - down) / z, nu / z  # expected of a match: wins less losses, draws
        slope = np.empty((samples, systems + 1))
        slope[:, :-1] = net - (met * lead).sum(2) / 2 - PRIOR * strength
        slope[:, -1] = drawn - (met * level).sum((1, 2)) / 2 - PRIOR * tie if with_draws else 0.0
        bend = met * ((up + down) / z - lead**2) / 4
        curve = np.zeros((samples, systems + 1, systems + 1))
        curve[:, :-1, :-1] = -bend
        curve[:, diagonal, diagonal] = bend.sum(2) - bend[:, diagonal, diagonal] + PRIOR
        cross = -(met * lead * level).sum(2) / 2
        curve[:, :-1, -1] = curve[:, -1, :-1] = cross
        curve[:, -1, -1] = (met * level * (1 - level)).sum((1, 2)) / 2 + PRIOR if with_draws else 1.0
        step = np.linalg.solve(curve, slope[..., None])[..., 0]
        longest = np.abs(step).max(1, keepdims=True)
        step *= np.minimum(1.0, _LONGEST / np.maximum(longest, 1e-300))
        strength += step[:, :-1]
        tie += step[:, -1]
        if longest.max() < 1e-8:
            return strength - strength.mean(1, keepdims=True), np.exp(tie) if with_draws else np.zeros(samples)
    raise StatisticsError(f"strengths of {systems} systems do not converge in {_STEPS} steps")
