"""Search in two steps: the clusters whose centres are nearest to a query, then their members.

An inverted file over k-means (Sivic and Zisserman 2003; Jegou et al. 2011, Product Quantization for Nearest Neighbor Search), as RealSyn pairs
images with texts (Gu et al. 2025, arXiv 2502.12513): a query is compared with all centres and with the members of a few clusters.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster import vq  # pyright: ignore[reportMissingTypeStubs]

from limner.experts.encoder import unit
from limner.experts.onnx import Floats

Numbers = NDArray[np.intp]

_SAMPLE = 16_384
_ROUNDS = 12
_CHUNK = 4_096


@dataclass(frozen=True)
class Hits:
    """`rows` are Q x K numbers of rows, the nearest first, -1 where there are fewer rows; `compared` are the products each of Q queries took."""

    rows: Numbers
    compared: Numbers


class Hierarchy:
    """Rows of length one in clusters about centres of length one."""

    def __init__(self, rows: Floats, centres: Floats) -> None:
        """`rows` N x D, `centres` C x D."""
        self.rows, self.centres = rows, centres
        self.labels = nearest(rows, centres)
        order = np.argsort(self.labels, kind="stable")
        ends = np.cumsum(np.bincount(self.labels, minlength=len(centres)))[:-1]
        self._members: list[Numbers] = np.split(order, ends)

    @classmethod
    def grown(cls, rows: Floats, clusters: int, seed: int = 0) -> Hierarchy:
        """The hierarchy of at most `clusters` clusters, found by k-means on a sample of the rows; the same seed finds the same ones."""
        draw = np.random.default_rng(seed)
        sample = rows[np.sort(draw.permutation(len(rows))[:_SAMPLE])]
        clusters = max(min(clusters, len(sample)), 1)
        start = sample[draw.permutation(len(sample))[:clusters]]
        untyped: Any = vq
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of empty clusters, which are left out
            means, labels = untyped.kmeans2(sample, start, iter=_ROUNDS, minit="matrix", missing="warn")
        return cls(rows, unit(np.asarray(means[np.unique(labels)], np.float32)))

    def search(self, queries: Floats, most: int, probes: int) -> Hits:
        """The `most` rows nearest to each query (Q x D) among the members of the `probes` clusters whose centres are nearest to it, of more clusters
        where these have fewer members."""
        found = np.full((len(queries), most), -1, np.intp)
        compared = np.empty(len(queries), np.intp)
        for i, query in enumerate(queries):
            order = np.argsort(-(self.centres @ query), kind="stable")
            held = np.cumsum([len(self._members[c]) for c in order])
            members = np.concatenate([self._members[c] for c in order[: max(probes, int(np.searchsorted(held, most)) + 1)]])
            compared[i] = len(self.centres) + len(members)
            best = members[top(self.rows[members] @ query, most)]
            found[i, : len(best)] = best
        return Hits(found, compared)


def flat(rows: Floats, queries: Floats, most: int) -> Hits:
    """The same by comparing every query with every row."""
    found = np.full((len(queries), most), -1, np.intp)
    for i, query in enumerate(queries):
        best = top(rows @ query, most)
        found[i, : len(best)] = best
    return Hits(found, np.full(len(queries), len(rows), np.intp))


def nearest(rows: Floats, centres: Floats) -> Numbers:
    """The number of the nearest centre of each row."""
    chunks = [(rows[at : at + _CHUNK] @ centres.T).argmax(axis=1) for at in range(0, len(rows), _CHUNK)]
    return np.concatenate(chunks) if chunks else np.empty(0, np.intp)


def top(scores: Floats, most: int) -> Numbers:
    """The numbers of the greatest scores, the greatest first."""
    best = np.argpartition(-scores, most - 1)[:most] if len(scores) > most else np.arange(len(scores))
    return best[np.argsort(-scores[best], kind="stable")]
