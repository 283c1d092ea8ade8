"""One document by its id, and its images, against Parquet files that hold the images in their rows (as Hugging Face's do).

    python bench/random_access.py        # documents composed from gimp-help-en (limner data get gimp-help-en)

`plain`: images in the rows, row groups as pyarrow makes them by default. `tuned`: 100 rows a group. Both are read by row number,
which they are told; limner is given the id and finds the row. Warm cache, files open, one process. Writes
bench/results/random_access.json; exits 1 where limner is under 20 times the plain one.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent))

from composed import SET, write_corpus

from limner.corpus import Corpus
from limner.document import Text
from limner.document.jsonform import dumps
from limner.recipes.provenance import code_hash, folder_hash, machine
from limner.sources.datasets import dataset

RESULTS = Path(__file__).parent / "results" / "random_access.json"
WANTED = 20
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def write_parquet(corpus: Corpus, path: Path, rows: int | None) -> None:
    """The documents with their images in the rows; `rows` a group, or pyarrow's default."""
    documents = list(corpus)
    images = [
        [{"bytes": corpus.media(p.ref), "path": p.url} for p in d.parts if not isinstance(p, Text) and p.ref] for d in documents
    ]
    table = pa.table(
        {
            "id": [d.id for d in documents],
            "document": [dumps(d) for d in documents],
            "images": pa.array(images, pa.list_(IMAGE)),
        }
    )
    pq.write_table(table, path, **({"row_group_size": rows} if rows else {}))


def row_reader(path: Path) -> Callable[[int], dict[str, Any]]:
    """Reads one row: its row group, then the row."""
    file = pq.ParquetFile(path, memory_map=True)
    starts = list(accumulate((file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)), initial=0))

    def read(row: int) -> dict[str, Any]:
        group = bisect_right(starts, row) - 1
        return file.read_row_group(group).slice(row - starts[group], 1).to_pylist()[0]

    return read


def timed(read: Callable[[Any], Any], keys: list[Any]) -> float:
    """The median of seconds a key."""
    seconds = []
    for key in keys:
        began = time.perf_counter()
        read(key)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=6 * 685)
    parser.add_argument("--reads", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        corpus = write_corpus(Path(scratch) / "corpus", given.documents, own=True)
        plain, tuned = Path(scratch) / "plain.parquet", Path(scratch) / "tuned.parquet"
        write_parquet(corpus, plain, None)
        write_parquet(corpus, tuned, 100)
        corpus = Corpus.open(Path(scratch) / "corpus")
        ids = [d.id for d in corpus]
        rows = random.Random(7).choices(range(len(ids)), k=given.reads)

        def with_images(id: str) -> list[bytes | None]:
            return [corpus.media(p.ref) for p in corpus[id].parts if not isinstance(p, Text) and p.ref]

        with_images(ids[0])
        milliseconds = {
            "limner, document": timed(lambda row: corpus[ids[row]], rows) * 1e3,
            "limner, document and images": timed(lambda row: with_images(ids[row]), rows) * 1e3,
            "plain Parquet, row": timed(row_reader(plain), rows[:20]) * 1e3,
            "tuned Parquet, row": timed(row_reader(tuned), rows[:100]) * 1e3,
        }
    result = {
        "what": f"one of {given.documents} documents composed from {SET}, by id",
        "milliseconds, median": {name: round(value, 3) for name, value in milliseconds.items()},
        "ratio to plain": round(milliseconds["plain Parquet, row"] / milliseconds["limner, document"], 1),
        "ratio to plain, with images": round(milliseconds["plain Parquet, row"] / milliseconds["limner, document and images"], 1),
        "ratio to tuned, with images": round(milliseconds["tuned Parquet, row"] / milliseconds["limner, document and images"], 1),
        "wanted": WANTED,
        "machine": machine(), "code": code_hash("limner.corpus"), "data": {SET: folder_hash(dataset(SET).data)},
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    sys.exit(min(result["ratio to plain"], result["ratio to plain, with images"]) < WANTED)


if __name__ == "__main__":
    main()
