"""Recall, nDCG and the paired bootstrap over known items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ranks = NDArray[np.int64]
"""The place of the sought unit for each question, from 1; 0 where it is not among the first ten."""

DEEP = 10
_SAMPLES = 2_000


def scores(ranks: Ranks) -> dict[str, NDArray[np.float64]]:
    """Each question's part in recall@1, recall@10 and nDCG@10; one unit is sought, so that its ideal is 1."""
    found = (ranks > 0) & (ranks <= DEEP)
    gain = np.where(found, 1 / np.log2(np.maximum(ranks, 1) + 1), 0.0)
    return {"recall@1": (ranks == 1).astype(float), "recall@10": found.astype(float), "ndcg": gain}


def bootstrapped(better: NDArray[np.float64], worse: NDArray[np.float64], seed: int = 0) -> tuple[float, float, float]:
    """The mean paired difference and the ends of its 95 % interval."""
    difference = better - worse
    drawn = np.random.default_rng(seed).integers(0, len(difference), (_SAMPLES, len(difference)))
    low, high = np.percentile(difference[drawn].mean(axis=1), (2.5, 97.5))
    return float(difference.mean()), float(low), float(high)


def compared(ranks: Mapping[str, Ranks], fused: str = "fused") -> dict[str, Any]:
    """Of each way its means, and of the fused one what it gains over the better of the others, measure by measure. `held` says that it is
    nowhere significantly worse."""
    by_way = {way: scores(each) for way, each in ranks.items()}
    result: dict[str, Any] = {"questions": len(ranks[fused])}
    result["ways"] = {way: {m: round(float(v.mean()), 4) for m, v in each.items()} for way, each in by_way.items()}
    gains: dict[str, Any] = {}
    for measure, ours in by_way[fused].items():
        best = max((way for way in by_way if way != fused), key=lambda way: float(by_way[way][measure].mean()))
        gain, low, high = bootstrapped(ours, by_way[best][measure])
        gains[measure] = {"over": best, "gain": round(gain, 4), "low": round(low, 4), "high": round(high, 4)}
    return result | {"gains": gains, "held": all(each["high"] >= 0 for each in gains.values())}


def ranks_of(found: Sequence[int]) -> Ranks:
    """Places as an array."""
    return np.asarray(found, np.int64)
