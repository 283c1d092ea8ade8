"""Streaming shuffled documents with their images, against WebDataset: the same documents, the same image bytes, batches of 64.

    python bench/streaming.py             # 8,220 documents composed from gimp-help-en (limner data get gimp-help-en)

One process, local disk. Warm: after a pass over both; the runs alternate. Cold: pages of the files dropped from the
system's cache with posix_fadvise before the run. Object store: an S3 server on this machine (moto), limner alone, since its speed
is the server's. limner yields `Document`s; WebDataset yields dictionaries (orjson, faster than its own decoder). Writes
bench/results/streaming.json; exits 1 where the warm ratio is under 1.5.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import webdataset as wds

sys.path.insert(0, str(Path(__file__).parent))

from composed import SET, write_corpus

from limner.corpus import Corpus
from limner.document import Text
from limner.document.jsonform import dumps
from limner.recipes.provenance import code_hash, folder_hash, machine
from limner.sources.datasets import dataset

RESULTS = Path(__file__).parent / "results" / "streaming.json"
BATCH, SHUFFLE, WANTED = 64, 1000, 1.5


def write_webdataset(corpus: Corpus, folder: Path, per_shard: int) -> None:
    """The same documents as tar shards of samples: `json`, and one member an image."""
    folder.mkdir()
    with wds.ShardWriter(str(folder / "%05d.tar"), maxcount=per_shard, verbose=0) as writer:
        for document in corpus:
            images = {
                f"{part.n}.bin": corpus.media(part.ref) for part in document.parts if not isinstance(part, Text) and part.ref
            }
            writer.write({"__key__": document.id, "json": dumps(document).encode(), **images})


def ours(corpus: Corpus, seed: int) -> Iterator[list[Any]]:
    """Batches of (document, bytes of its images)."""
    stream = corpus.stream(shuffle=True, seed=seed)
    batch: list[Any] = []
    for document in stream:
        images = [stream.media(part.ref) for part in document.parts if not isinstance(part, Text) and part.ref]
        batch.append((document, images))
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def theirs(folder: Path, seed: int) -> Iterator[list[Any]]:
    """The same from WebDataset, its shards and a buffer of samples shuffled."""
    shards = sorted(str(path) for path in folder.iterdir())
    samples = wds.WebDataset(shards, shardshuffle=len(shards), seed=seed, empty_check=False).shuffle(SHUFFLE, seed=seed)
    batch: list[Any] = []
    for sample in samples:
        images = [value for name, value in sample.items() if name.endswith(".bin")]
        batch.append((orjson.loads(sample["json"]), images))
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def timed(make: Callable[[], Iterator[list[Any]]]) -> dict[str, float]:
    """One pass: seconds, documents, images and bytes seen."""
    began, documents, images, size = time.perf_counter(), 0, 0, 0
    for batch in make():
        documents += len(batch)
        for _, held in batch:
            images += len(held)
            size += sum(map(len, held))
    return {"seconds": time.perf_counter() - began, "documents": documents, "images": images, "bytes": size}


def forget(folder: Path) -> None:
    """Drop the files of a folder from the page cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def from_s3(folder: Path) -> dict[str, float]:
    """A pass over the same corpus in an S3 server on this machine."""
    import s3fs
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        options: dict[str, Any] = {"key": "k", "secret": "s", "client_kwargs": {"endpoint_url": f"http://{host}:{port}"}}
        s3 = s3fs.S3FileSystem(**options)
        s3.mkdir("bucket")
        s3.put(str(folder), "bucket/corpus", recursive=True)
        return timed(lambda: ours(Corpus.open("s3://bucket/corpus", **options), 1))
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=12 * 685)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        place, tars = Path(scratch) / "corpus", Path(scratch) / "webdataset"
        corpus = write_corpus(place, given.documents, own=True)
        write_webdataset(corpus, tars, 500)
        corpus = Corpus.open(place)
        runs: dict[str, list[dict[str, float]]] = {"limner": [], "webdataset": []}
        for seed in range(given.runs + 1):
            for name, make in (("limner", lambda s=seed: ours(corpus, s)), ("webdataset", lambda s=seed: theirs(tars, s))):
                runs[name].append(timed(make))
        warm = {name: statistics.median(r["seconds"] for r in held[1:]) for name, held in runs.items()}
        seen = {name: {k: held[-1][k] for k in ("documents", "images", "bytes")} for name, held in runs.items()}
        if seen["limner"] != seen["webdataset"]:
            sys.exit(f"not the same batches: {seen}")
        cold = {}
        for name, folder, make in (
            ("limner", place, lambda: ours(Corpus.open(place), 1)), ("webdataset", tars, lambda: theirs(tars, 1)),
        ):  # fmt: skip
            forget(folder)
            cold[name] = timed(make)["seconds"]
        store = from_s3(place)
    number = seen["limner"]["documents"]
    ratios = [b["seconds"] / a["seconds"] for a, b in zip(runs["limner"][1:], runs["webdataset"][1:], strict=True)]
    result = {
        "what": f"documents composed from {SET} with images, shuffled, batches of {BATCH}, one process",
        **seen["limner"],
        "warm documents/s": {name: round(number / seconds) for name, seconds in warm.items()},
        "warm ratio": round(warm["webdataset"] / warm["limner"], 2),
        "warm ratios, a run each": [round(r, 2) for r in sorted(ratios)],
        "cold documents/s": {name: round(number / seconds) for name, seconds in cold.items()},
        "cold ratio": round(cold["webdataset"] / cold["limner"], 2),
        "s3 on this machine documents/s": round(number / store["seconds"]),
        "wanted": WANTED,
        "machine": machine(), "code": code_hash("limner.corpus"), "data": {SET: folder_hash(dataset(SET).data)},
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    sys.exit(result["warm ratio"] < WANTED)


if __name__ == "__main__":
    main()
