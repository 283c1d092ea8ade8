"""Graphs of neighbours: what they find, and how widely they look for it."""

from pathlib import Path

import numpy as np
import pytest

from limner.errors import CorpusError
from limner.search import vectors
from limner.search.vectors import FOUND, LOOKING, Graph, Vectors


def rows(count: int, seed: int, centres: int, spread: float, width: int = 32) -> np.ndarray:
    """Rows of length one about some centres, which do not depend on the seed."""
    about = np.random.default_rng(99).standard_normal((centres, width))
    random = np.random.default_rng(seed)
    found = about[random.integers(0, centres, count)] + spread * random.standard_normal((count, width))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def keyed(held: np.ndarray, segment: int = 0) -> vectors.Keyed:
    return np.arange(len(held), dtype=np.uint64) + np.uint64(segment << 32), held


def recall(ours: Vectors, held: np.ndarray, questions: np.ndarray) -> float:
    truth = np.argsort(-(questions @ held.T), axis=1)[:, :10]
    return float(
        np.mean([len({k for k, _ in ours.search(q, 10)} & set(t.tolist())) / 10 for q, t in zip(questions, truth, strict=True)])
    )


def test_a_graph_looks_as_widely_as_its_rows_need():
    easy, hard = Graph(32), Graph(32)
    easy.grow([keyed(rows(6_000, 1, 400, 0.2))])
    held = rows(6_000, 1, 1, 5.0)
    hard.grow([keyed(held)])
    assert easy.looking < hard.looking
    assert len(hard) == 6_000
    found = recall(Vectors({0: held}, {0: 0}, hard, (0,)), held, rows(300, 2, 1, 5.0))
    assert found > FOUND - 0.02


def test_a_few_rows_more_leave_the_width_and_are_found(tmp_path: Path):
    held, more = rows(6_000, 1, 1, 5.0), rows(20, 3, 1, 5.0)
    graph = Graph(32)
    graph.grow([keyed(held)])
    graph.save(tmp_path / "graph")
    again = Graph.again(32, tmp_path / "graph", graph.looking)
    again.grow([keyed(more, 1)], [keyed(held)])
    assert again.looking == graph.looking
    ours = Vectors({0: held, 1: more}, {0: 0, 1: 0}, again, (0, 1))
    assert all(ours.search(row, 1)[0][0] == (1 << 32) + n for n, row in enumerate(more))


def test_few_rows_show_nothing():
    graph = Graph(32)
    graph.grow([keyed(rows(50, 1, 5, 0.5))])
    assert (graph.looking, len(graph)) == (LOOKING, 50)


def test_the_nearest_over_several_segments(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vectors, "_ROWS", 64)
    first, second, questions = rows(200, 1, 9, 0.5), rows(100, 2, 9, 0.5), rows(20, 3, 9, 0.5)
    found = vectors._nearest(questions, [keyed(first), keyed(second, 1)])
    truth = np.argsort(-(questions @ np.concatenate([first, second]).T), axis=1)[:, :10]
    names = np.concatenate([keyed(first)[0], keyed(second, 1)[0]])
    assert all(set(names[t].tolist()) == set(f.tolist()) for t, f in zip(truth, found, strict=True))


def test_a_damaged_file_says_what_to_do(tmp_path: Path):
    (tmp_path / "graph").write_bytes(b"no graph at all")
    with pytest.raises(CorpusError, match="index --again"):
        Graph(32, tmp_path / "graph")
