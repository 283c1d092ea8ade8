"""How near regenerated images are to their references, and how well such scores rank a ladder of generators whose order is known.

Meng et al. 2024, arXiv 2411.09449: a text-to-image model is told what a reference shows and its image is compared with the reference itself,
where other measures compare it with a text.

N images, D features, K rungs of a ladder from the worst generator to the best.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from limner.errors import LimnerError
from limner.evaluate.statistics.bootstrap import mean, statistic
from limner.evaluate.statistics.clusters import Floats, Interval, Resampling


def alike(made: ArrayLike, real: ArrayLike) -> Floats:
    """The cosine of each of N images with its reference, from rows of features N x D.

    >>> alike([[1, 0], [1, 1]], [[2, 0], [1, -1]]).tolist()
    [1.0, 0.0]
    """
    x, y = _rows(made), _rows(real)
    if x.shape != y.shape:
        raise LimnerError(f"images and references differ in number or features: {x.shape} and {y.shape}")
    return np.einsum("nd,nd->n", x, y)


def identified(made: ArrayLike, real: ArrayLike) -> Floats:
    """For each image the share of the other references that it is less like than its own, ties half: 0.5 by chance. A generator whose images are all
    alike does not gain by being near to the mean of references."""
    x, y = _rows(made), _rows(real)
    if x.shape != y.shape or len(x) < 2:
        raise LimnerError(f"two images at least are told apart, each with its reference: {x.shape} and {y.shape}")
    near = x @ y.T
    own = near.diagonal()[:, None]
    below = (near < own).sum(1) + 0.5 * ((near == own).sum(1) - 1)
    return below / (len(x) - 1)


def _rows(rows: ArrayLike) -> Floats:
    found = np.asarray(rows, np.float64)
    if found.ndim != 2 or not np.isfinite(found).all():
        raise LimnerError(f"features are rows of finite numbers, not of the shape {found.shape}")
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def ranked(scores: ArrayLike, clusters: Sequence[Hashable], settings: Resampling | None = None) -> Interval:
    """Spearman's correlation of the rungs' mean scores (N x K, larger is better) with their order, its interval over clusters of images.
    0 where all rungs score alike."""
    table = _table(scores)

    def correlation(weights: Floats) -> Floats:
        return np.nan_to_num(_spearman(weights @ table / weights.sum(1, keepdims=True)))

    return statistic(correlation, clusters, (-1.0, 1.0), settings)


def each_ranked(scores: ArrayLike) -> Floats:
    """The same of each image by itself, N: how well one reference ranks the ladder. 0 where all rungs score alike.

    >>> each_ranked([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.5, 0.5, 0.5]]).tolist()
    [1.0, -1.0, 0.0]
    """
    return np.nan_to_num(_spearman(_table(scores)))


def mean_ranked(scores: ArrayLike, clusters: Sequence[Hashable], settings: Resampling | None = None) -> Interval:
    """The mean of `each_ranked` with its interval over clusters of images."""
    return mean(each_ranked(scores), clusters, (-1.0, 1.0), settings)


def _table(scores: ArrayLike) -> Floats:
    table = np.asarray(scores, np.float64)
    if table.ndim != 2 or table.shape[1] < 3 or not len(table) or not np.isfinite(table).all():
        raise LimnerError(
            f"a ladder is ranked by finite scores of images on three rungs at least, not of the shape {table.shape}"
        )
    return table


def _spearman(rows: Floats) -> Floats:
    """Of each row with the order of its columns; NaN for a row that is all alike."""
    ranks: NDArray[np.float64] = np.asarray(rankdata(rows.round(12), axis=1), np.float64)
    ranks -= ranks.mean(1, keepdims=True)
    order = np.arange(rows.shape[1]) - (rows.shape[1] - 1) / 2
    with np.errstate(invalid="ignore"):
        found = ranks @ order / np.sqrt((ranks**2).sum(1) * (order**2).sum())
    return found.round(12)
