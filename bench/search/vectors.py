"""Nearest vectors: limner's against faiss's HNSW used directly, 100,000 rows of 384 numbers.

    python bench/search/vectors.py [--rows 100000] [--rounds 7]      # needs faiss-cpu (bench/peers/requirements.txt), in this environment

Two sets of rows: sentences of the Debian handbook and of the GIMP manual in their languages, read by bundled:minilm, and composed ones, of
clusters (faiss's random rows are harder than any text). 1,000 questions that are not among the rows, ten neighbours each, one at a time on one
thread: recall against looking at every row, and questions in a second, in turns. faiss has as many links (M 32) and as wide a search while
building (128); its search is as wide as it needs for a recall of 0.98 of these very questions, limner's as it found out by rows when it was filled.
Through limner's `Vectors` as a search goes, filters and re-ranking included. Writes bench/results/search-vectors.json; exits 1 where recall
is under 0.98 or questions in a second under 0.9 of faiss's.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from limner import Corpus
from limner.curate.align import sentences
from limner.document import Text
from limner.experts.onnx import Floats
from limner.experts.text_encoder import text_encoder
from limner.pipeline import build, load
from limner.recipes.provenance import code_hash, data_hashes, machine
from limner.search.vectors import Graph, Vectors

RESULTS = Path(__file__).parent.parent / "results" / "search-vectors.json"
SETS = ("debian-handbook", "gimp-help-de", "gimp-help-fr", "gimp-help-es")
WIDTH, NEAR, ASKED = 384, 10, 1_000
LINKS, BUILDING = 32, 128
WIDE = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
RECALL, SPEED = 0.98, 0.9


def said(place: str, most: int) -> Iterator[str]:
    """Different sentences of the manuals."""
    seen: set[str] = set()
    for document in Corpus.open(place):
        for part in document.parts:
            if isinstance(part, Text) and part.role in ("paragraph", "list", "caption", "heading", "quote"):
                for sentence in sentences(part.text):
                    if sentence not in seen and len(sentence) >= 20:
                        seen.add(sentence)
                        yield sentence
                        if len(seen) == most:
                            return


def composed(rows: int) -> Floats:
    """Rows about 2,000 centres of different weight, of length one."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((2_000, WIDTH)).astype(np.float32)
    weights = random.dirichlet(np.full(2_000, 0.5))
    found = centres[random.choice(2_000, rows, p=weights)] + 0.9 * random.standard_normal((rows, WIDTH), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def recall(found: list[list[int]], truth: NDArray[np.int64]) -> float:
    """The share of the true neighbours that were found."""
    return float(np.mean([len(set(a) & set(b.tolist())) / NEAR for a, b in zip(found, truth, strict=True)]))


def rate(ask: Callable[[Floats], list[int]], questions: Floats) -> float:
    """Questions in a second."""
    start = time.perf_counter()
    for question in questions:
        ask(question)
    return len(questions) / (time.perf_counter() - start)


def measured(everything: Floats, rounds: int) -> dict[str, Any]:
    """Both over the same rows."""
    import faiss  # pyright: ignore[reportMissingTypeStubs]

    faiss.omp_set_num_threads(1)
    order = np.random.default_rng(1).permutation(len(everything))
    questions, rows = everything[order[:ASKED]], np.ascontiguousarray(everything[order[ASKED:]])
    truth = np.argpartition(-(questions @ rows.T), NEAR, axis=1)[:, :NEAR].astype(np.int64)
    result: dict[str, Any] = {"rows": len(rows), "width": WIDTH, "questions": ASKED}

    start = time.perf_counter()
    graph = Graph(WIDTH)
    graph.grow([(np.arange(len(rows), dtype=np.uint64), rows)])
    result["limner search width"] = graph.looking
    result["limner built in s"] = round(time.perf_counter() - start, 1)
    with tempfile.TemporaryDirectory() as folder:
        graph.save(Path(folder) / "graph")
        np.save(Path(folder) / "rows.npy", rows)
        result["limner MB"] = round(((Path(folder) / "graph").stat().st_size + rows.nbytes) / 1e6)
        ours = Vectors(
            {0: np.load(Path(folder) / "rows.npy", mmap_mode="r")},
            {0: 0},
            Graph(WIDTH, Path(folder) / "graph", graph.looking),
            (0,),
        )
        start = time.perf_counter()
        peer = faiss.IndexHNSWFlat(WIDTH, LINKS, faiss.METRIC_INNER_PRODUCT)
        peer.hnsw.efConstruction = BUILDING
        peer.add(rows)
        result["faiss built in s"] = round(time.perf_counter() - start, 1)
        for wide in WIDE:
            peer.hnsw.efSearch = wide
            found = peer.search(questions, NEAR)[1].tolist()
            if recall(found, truth) >= RECALL:
                break
        result["faiss search width"] = wide
        result["faiss recall"] = round(recall(found, truth), 4)

        def limner(question: Floats) -> list[int]:
            return [key for key, _ in ours.search(question, NEAR)]

        def theirs(question: Floats) -> list[int]:
            return peer.search(question[None], NEAR)[1][0].tolist()

        result["limner recall"] = round(recall([limner(q) for q in questions], truth), 4)
        turns = [(rate(limner, questions), rate(theirs, questions)) for _ in range(rounds)]
    result["limner questions/s"] = round(median(a for a, _ in turns))
    result["faiss questions/s"] = round(median(b for _, b in turns))
    ratios = sorted(a / b for a, b in turns)
    result["ratio"] = {"median": round(median(ratios), 3), "least": round(ratios[0], 3), "most": round(ratios[-1], 3)}
    result["held"] = result["limner recall"] >= RECALL and median(ratios) >= SPEED
    return result


def main() -> None:
    """Measure both sets, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--kept", type=Path, help="where the rows of sentences are kept")
    given = parser.parse_args()
    many = given.rows + ASKED
    sets = {"composed": composed(many)}
    if given.kept and given.kept.is_file():
        sets["sentences"] = np.load(given.kept)
    else:
        with tempfile.TemporaryDirectory() as folder:
            build(load("default").with_sources([f"data:{name}" for name in SETS]), folder)
            texts = list(said(folder, many))
        print(f"{len(texts)} sentences", flush=True)
        if len(texts) < many:
            sys.exit(f"the manuals have {len(texts)} sentences, {many} are needed")
        embedder = text_encoder("bundled:minilm")
        sets["sentences"] = np.concatenate([embedder.embed(texts[at : at + 2_048]) for at in range(0, len(texts), 2_048)])
        if given.kept:
            np.save(given.kept, sets["sentences"])
    result = {name: measured(rows, given.rounds) for name, rows in sets.items()}
    print(json.dumps(result, indent=1))
    whole = {"sets": result, "code": code_hash("limner.search.vectors"), "data": data_hashes(SETS), "machine": machine()}
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    sys.exit(not all(each["held"] for each in result.values()))


if __name__ == "__main__":
    main()
