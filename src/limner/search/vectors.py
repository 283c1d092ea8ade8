"""Nearest rows by their inner product: exactly where there are few, by a graph of neighbours (HNSW, usearch) where there are many.

Malkov and Yashunin 2016, arXiv 1603.09320. What the graph finds is ranked again by the exact rows, so that it may keep them in few bits.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.errors import CorpusError
from limner.experts.onnx import Floats

EXACT = 50_000
"""Rows up to which every one is looked at."""

CONNECTIONS, ADDING = 32, 128
KEPT = "i8"
LOOKING = 64
"""How widely a graph is searched until rows have shown what it takes."""

FOUND = 0.985
"""The share of their ten nearest that rows should find which a graph does not hold yet."""

_WIDTHS = (32, 40, 48, 56, 64, 80, 96, 128, 192, 256, 384, 512)
_NEAR, _TRIED = 10, 1_024
_PLACE = np.uint64(0xFFFFFFFF)
_ROWS = 16_384  # that are compared at once
_MORE = 3  # times as many as are asked for come from the graph
_SAMPLE = 4_096  # rows of a segment that its mean is taken over, about
_LEAST = 1e-6
_SELECTIVE = 0.2  # share of rows left by a filter, under which these are looked at one by one

Keys = NDArray[np.uint64]
Keyed = tuple[Keys, Floats]
Found = list[tuple[int, float]]
Masks = Mapping[int, NDArray[np.bool_]]


class Graph:
    """A graph of neighbours over rows, by their keys. `looking` is how widely it is searched."""

    def __init__(self, width: int, path: Path | None = None, looking: int = LOOKING) -> None:
        from usearch.index import Index

        self._index: Any = Index(
            ndim=width, metric="ip", dtype=KEPT, connectivity=CONNECTIONS, expansion_add=ADDING, expansion_search=looking
        )
        if path is not None:
            try:
                self._index.view(str(path))
            except Exception as error:  # noqa: BLE001 - usearch raises bare Exceptions
                raise CorpusError(f"{path} is damaged ({error}); `limner index --again` makes it anew") from None

    @classmethod
    def again(cls, width: int, path: Path, looking: int = LOOKING) -> Graph:
        """The graph in a file, in memory and to be added to."""
        graph = cls(width, looking=looking)
        graph._index.load(str(path))
        return graph

    def __len__(self) -> int:
        return len(self._index)

    @property
    def looking(self) -> int:
        """How widely it is searched."""
        return int(self._index.expansion_search)

    def add(self, keys: Keys, rows: Floats) -> None:
        """Take in rows of length one."""
        self._index.add(keys, np.asarray(rows, np.float32))

    def grow(self, new: Sequence[Keyed], held: Sequence[Keyed] = ()) -> None:
        """Take in rows of length one by their keys, and find out by some of them, before they are in, how widely to look: see `FOUND`. `held` are
        the rows that it holds. A few new ones leave the width as it was."""
        count = sum(len(keys) for keys, _ in new)
        chosen = np.zeros(count, bool)
        if count >= 2 * _TRIED:
            chosen[np.random.default_rng(0).choice(count, _TRIED, replace=False)] = True
        masks = np.split(chosen, np.cumsum([len(keys) for keys, _ in new])[:-1])
        waiting = [(keys[mask], rows[mask]) for (keys, rows), mask in zip(new, masks, strict=True)]
        taken = [(keys[~mask], rows[~mask]) for (keys, rows), mask in zip(new, masks, strict=True)]
        for keys, rows in taken:
            self.add(keys, rows)
        if chosen.any():
            questions = np.concatenate([rows for _, rows in waiting])
            self._suit(questions[questions.any(1)], [*held, *taken])
        for keys, rows in waiting:
            self.add(keys, rows)

    def _suit(self, questions: Floats, rows: Sequence[Keyed]) -> None:
        truth = _nearest(questions, rows)
        for width in _WIDTHS:
            self._index.expansion_search = width
            found = [np.isin(near, self.near(question, _NEAR * _MORE)) for question, near in zip(questions, truth, strict=True)]
            if np.mean(found) >= FOUND:
                break

    def keep(self, segments: Container[int]) -> None:
        """Forget the rows of all other segments."""
        keys = np.asarray(self._index.keys, np.uint64)
        gone = np.array([int(key) >> 32 not in segments for key in keys], bool)
        self._index.remove(keys[gone])

    def save(self, path: Path) -> None:
        """Write it to a file."""
        self._index.save(str(path))

    def near(self, query: Floats, most: int) -> Keys:
        """Keys of the nearest, nearly so."""
        return np.asarray(self._index.search(query, min(most, len(self))).keys, np.uint64)


def _nearest(questions: Floats, rows: Iterable[Keyed]) -> Keys:
    """Keys of the ten nearest of each question (Q x 10)."""
    best = np.zeros((len(questions), 0), np.float32)
    names = np.zeros((len(questions), 0), np.uint64)
    for keys, held in rows:
        for at in range(0, len(keys), _ROWS):
            some = keys[at : at + _ROWS]
            best = np.concatenate([best, questions @ held[at : at + _ROWS].T], axis=1)
            names = np.concatenate([names, np.broadcast_to(some, (len(questions), len(some)))], axis=1)
            if best.shape[1] > _NEAR:
                order = np.argpartition(-best, _NEAR - 1, axis=1)[:, :_NEAR]
                best, names = np.take_along_axis(best, order, 1), np.take_along_axis(names, order, 1)
    return names


class Vectors:
    """The rows of some segments, with a graph over some of them. Rows of zeros stand for what has no vector."""

    def __init__(
        self, rows: Mapping[int, Floats], first: Mapping[int, int], graph: Graph | None = None, drawn: Sequence[int] = ()
    ) -> None:
        """`rows` by segment, `first` the number of the first of them in its segment; `drawn` are the segments that the graph holds."""
        # Plain arrays: a memory map makes a new map of what is taken out of it.
        self._rows, self._first, self._graph = {n: np.asarray(r) for n, r in rows.items()}, first, graph
        self._drawn = frozenset(drawn) if graph is not None else frozenset[int]()

    def __len__(self) -> int:
        return sum(map(len, self._rows.values()))

    @cached_property
    def mean(self) -> Floats:
        """The mean of the rows, by a sample of each segment (D numbers): its product with a query is how alike that is to any row."""
        held = [rows for rows in self._rows.values() if len(rows)]
        drawn = [rows[:: max(1, len(rows) // _SAMPLE)].mean(0) for rows in held]
        return (
            np.average(drawn, axis=0, weights=[len(rows) for rows in held]).astype(np.float32)
            if held
            else np.zeros(0, np.float32)
        )

    def alike(self, query: Floats, most: int, masks: Masks | None = None) -> Found:
        """As `search`, by the likeness above chance: 0 as alike as any row, 1 the same."""
        chance = float(query @ self.mean) if len(self) else 0.0
        return [(key, (score - chance) / max(1.0 - chance, _LEAST)) for key, score in self.search(query, most, masks)]

    def search(self, query: Floats, most: int, masks: Masks | None = None) -> Found:
        """Keys and products of the rows nearest to `query` (D numbers), best first. `masks` say of each segment's rows which may be found."""
        found: Found = []
        drawn = self._drawn
        if drawn and masks is not None:
            share = sum(int(masks[s].sum()) for s in drawn if s in masks) / max(sum(len(self._rows[s]) for s in drawn), 1)
            if share < _SELECTIVE:
                drawn = frozenset[int]()
            else:
                found += self._from_graph(query, int(most / share), masks)
        elif drawn:
            found += self._from_graph(query, most, None)
        for segment, rows in self._rows.items():
            if segment not in drawn:
                found += self._exact(segment, rows, query, most, None if masks is None else masks.get(segment))
        found.sort(key=lambda pair: -pair[1])
        return found[:most]

    def _from_graph(self, query: Floats, most: int, masks: Masks | None) -> Found:
        assert self._graph is not None
        keys = self._graph.near(query, most * _MORE)
        found: Found = []
        numbers = keys >> np.uint64(32)
        for segment in set(numbers.tolist()):
            if segment not in self._rows or (masks is not None and segment not in masks):
                continue
            here = keys[numbers == segment]
            places = (here & _PLACE).astype(np.int64) - self._first.get(segment, 0)
            if masks is not None:
                left = masks[segment][places]
                here, places = here[left], places[left]
            found += zip(here.tolist(), (self._rows[segment][places] @ query).tolist(), strict=True)
        return found

    def _exact(self, segment: int, rows: Floats, query: Floats, most: int, mask: NDArray[np.bool_] | None) -> Found:
        if mask is not None and not mask.any():
            return []
        if mask is not None and mask.mean() < _SELECTIVE:
            places = np.flatnonzero(mask)
            scores = rows[places] @ query
        else:
            places = np.arange(len(rows))
            scores = np.asarray(rows @ query)
            if mask is not None:
                scores = np.where(mask, scores, -np.inf)
        best = np.argpartition(-scores, most - 1)[:most] if len(scores) > most else np.arange(len(scores))
        base = (segment << 32) + self._first.get(segment, 0)
        return [(base + int(places[i]), float(scores[i])) for i in best if scores[i] > -np.inf]
