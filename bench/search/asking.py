"""Asking an index known items, each way by itself and fused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from measures import DEEP, Ranks, ranks_of
from tasks import Item

from limner.search import Search
from limner.search.fuse import Weights, fused
from limner.search.searcher import DEPTH

Ranking = Mapping[str, Sequence[tuple[int, float]]]
Places = dict[tuple[int, str], tuple[str, int]]


def rankings(search: Search, items: Sequence[Item]) -> list[Ranking]:
    """What each way finds for each item by itself."""
    return [search.rankings(item.question, None, kind=item.kind, most=DEPTH) for item in items]


def places(search: Search, items: Sequence[Item], found: Sequence[Ranking]) -> dict[int, tuple[str, int]]:
    """What each unit that was found is: its document, and the `n` of its image or its section's heading."""
    known: dict[int, tuple[str, int]] = {}
    for item, ranking in zip(items, found, strict=True):
        for way in ranking.values():
            for key, _ in way:
                if key not in known:
                    row = search.unit(key)
                    known[key] = (row.document, row.section if item.kind == "section" else row.n)
    return known


def place(item: Item, keys: Sequence[int], known: Mapping[int, tuple[str, int]]) -> int:
    """Where an item comes among units in that order, those of one section counted once; 0 where not among the first ten."""
    seen: list[tuple[str, int]] = []
    for key in keys:
        if known[key] not in seen:
            seen.append(known[key])
            if known[key] == (item.document, item.n):
                return len(seen)
            if len(seen) == DEEP:
                break
    return 0


def ranked(
    items: Sequence[Item],
    found: Sequence[Ranking],
    known: Mapping[int, tuple[str, int]],
    weigh: Callable[[str], Callable[[int], Weights]],
) -> Ranks:
    """The place of each item by the fused rankings."""
    return ranks_of(
        [place(i, [k for k, _, _ in fused(r, weigh(i.question), DEPTH)], known) for i, r in zip(items, found, strict=True)]
    )


def alone(items: Sequence[Item], found: Sequence[Ranking], known: Mapping[int, tuple[str, int]], way: str) -> Ranks:
    """The place of each item by one ranking."""
    return ranks_of([place(i, [k for k, _ in r.get(way, ())], known) for i, r in zip(items, found, strict=True)])


def mean_ndcg(ranks: Ranks) -> float:
    """Their nDCG."""
    return float(np.where(ranks > 0, 1 / np.log2(np.maximum(ranks, 1) + 1), 0.0).mean())
