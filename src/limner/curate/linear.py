"""A linear classifier of texts by their words and pairs of words, as fastText's (Joulin et al. 2016, arXiv 1607.01759) without its layer in
between: words are hashed, so that there is no vocabulary, and a page is judged in microseconds."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.curate.words import words
from limner.errors import LimnerError

BITS = 18
MOST = 5_000
"""Words of a text that are looked at, from its beginning."""


@dataclass(frozen=True)
class Linear:
    """Weights of hashed words and pairs of words (2**`BITS`), and what is added."""

    weights: NDArray[np.float32]
    bias: float

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """How probable it is that each text is of the class, 0-1."""
        found = np.array([_dot(self.weights, text) for text in texts], float) + self.bias
        return 1 / (1 + np.exp(-np.clip(found, -30, 30)))

    def save(self, path: str | Path) -> None:
        """Write it to a file (NumPy's .npz)."""
        np.savez_compressed(path, weights=self.weights, bias=np.float32(self.bias))


@cache
def load(path: str) -> Linear:
    """The classifier that `save` wrote; raises `LimnerError` for a file that is none."""
    try:
        with np.load(path, allow_pickle=False) as data:
            weights, bias = data["weights"].astype(np.float32), float(data["bias"])
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise LimnerError(f"{path} has no classifier that Linear.save wrote ({error})") from None
    if weights.shape != (1 << BITS,):
        raise LimnerError(f"{path} has weights of the shape {weights.shape}, not {(1 << BITS,)}")
    return Linear(weights, bias)


def fit(texts: Sequence[str], labels: Sequence[bool], penalty: float = 1.0) -> Linear:
    """A classifier that tells the texts whose label is true; the two classes count the same however many there are of each. `penalty` is on
    the squares of the weights (logistic regression, by L-BFGS)."""
    from scipy.optimize import minimize
    from scipy.sparse import csr_array

    rows = [features(text) for text in texts]
    data = np.concatenate([values for _, values in rows]) if rows else np.zeros(0)
    columns = np.concatenate([ids for ids, _ in rows]) if rows else np.zeros(0, np.int64)
    ends = np.cumsum([0, *(len(ids) for ids, _ in rows)])
    table: Any = csr_array((data, columns, ends), shape=(len(rows), 1 << BITS))
    signs = np.where(np.array(labels, bool), 1.0, -1.0)
    share = np.where(signs > 0, 0.5 / max((signs > 0).sum(), 1), 0.5 / max((signs < 0).sum(), 1))

    def loss(given: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, bias = given[:-1], given[-1]
        margin = signs * (table @ weights + bias)
        pull = -share * signs / (1 + np.exp(np.clip(margin, -30, 30)))
        scale = penalty / len(rows)
        value = float((share * np.logaddexp(0, -margin)).sum() + 0.5 * scale * (weights @ weights))
        return value, np.append(table.T @ pull + scale * weights, pull.sum())

    found = minimize(loss, np.zeros((1 << BITS) + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return Linear(found[:-1].astype(np.float32), float(found[-1]))


def features(text: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The hashed words and pairs of words of a text, and how much each counts: the root of how often it stands there, the whole of length one."""
    said = [word.lower() for word in words(text[: 20 * MOST])[:MOST]]
    counts: Counter[int] = Counter(zlib.crc32(word.encode()) & ((1 << BITS) - 1) for word in said)
    counts.update(zlib.crc32(f"{a} {b}".encode()) & ((1 << BITS) - 1) for a, b in pairwise(said))
    ids = np.fromiter(counts.keys(), np.int64, len(counts))
    values = np.sqrt(np.fromiter(counts.values(), float, len(counts)))
    return ids, values / max(float(np.linalg.norm(values)), 1e-9)


def _dot(weights: NDArray[np.float32], text: str) -> float:
    ids, values = features(text)
    return float(weights[ids] @ values)
