"""Boosted decision trees, without the library that grew them."""

from __future__ import annotations

from typing import Any

import numpy as np

from limner.sources.html.features import Floats


class Trees:
    """T complete binary trees of depth D whose leaves are added up to a logit. `arrays`: `feature` and `threshold`, (T, 2**D - 1),
    the inner nodes level by level, a row going left where its value is at most the threshold; `leaf`, (T, 2**D); `bias`, (1,)."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self._feature = arrays["feature"].astype(np.int64)
        self._threshold, self._leaf = arrays["threshold"], arrays["leaf"]
        self._bias = float(arrays["bias"][0])
        self._depth = (self._leaf.shape[1] - 1).bit_length()

    def probabilities(self, rows: Floats) -> Floats:
        """The probability of each of `rows` (n, features), shape (n,)."""
        trees = np.arange(len(self._leaf))
        n = np.arange(len(rows))[:, None]
        at = np.zeros((len(rows), len(trees)), np.int64)
        for _ in range(self._depth):
            right = rows[n, self._feature[trees, at]] > self._threshold[trees, at]
            at = 2 * at + 1 + right
        logits = self._leaf[trees, at - self._feature.shape[1]].sum(axis=1) + self._bias
        return 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
