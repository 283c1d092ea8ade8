"""What each stage of a build costs, one core, in one process: the figures that docs/scale.md is computed from.

    python bench/stages.py            # pages of python-sklearn-doc and gimp-help-en (limner data get sklearn-doc gimp-help-en)

Also the two ratios of extraction: against selectolax's bare parse-and-walk and against trafilatura (fast, with images), on the
same pages, in turn, in this run. Writes bench/results/stages.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import trafilatura
from selectolax.lexbor import LexborHTMLParser

from limner import Document
from limner.corpus import Corpus
from limner.corpus.media import sha256
from limner.corpus.probe import probe
from limner.curate.registry import operator
from limner.recipes.provenance import code_hash, folder_hash, machine
from limner.sources.datasets import dataset
from limner.sources.html import extract

COMPILED = Path(__file__).parents[1] / ".venvs" / "compiled"
RESULTS = Path(__file__).parent / "results" / "stages.json"
SETS = ("sklearn-doc", "gimp-help-en")


class Ledger:
    """The context that operators are timed in: holds media, forgets drops."""

    def __init__(self, media: dict[str, bytes]):
        self._media = media

    def media(self, ref: str) -> bytes | None:
        """Bytes by sha256."""
        return self._media.get(ref)

    def info(self, ref: str) -> Any:
        """Facts by sha256."""
        data = self._media.get(ref)
        return probe(data) if data else None

    def put(self, data: bytes) -> Any:
        """Nothing is stored."""
        return probe(data)

    def drop(self, *_: Any) -> None:
        """Forgotten."""

    note = drop


def parse_and_walk(pages: Sequence[bytes]) -> int:
    """Selectolax alone: parse, then touch every node's tag from Python."""
    return sum(1 for page in pages for node in LexborHTMLParser(page).root.traverse(include_text=True) if node.tag)


def by_trafilatura(pages: Sequence[bytes]) -> int:
    """trafilatura, fast, with images."""
    return sum(len(trafilatura.extract(page, fast=True, include_images=True) or "") for page in pages)


def rate(work: Callable[[], Any], count: int, rounds: int) -> float:
    """Things a second of processor time, the median of `rounds`."""
    seconds: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return count / statistics.median(seconds)


def ratios(pages: Sequence[bytes], rounds: int) -> dict[str, float]:
    """Extraction against its two peers, round by round in turn; trafilatura on every eighth page, for its slowness."""
    some = pages[::8]
    bare: list[float] = []
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        bare.append(rate(lambda: parse_and_walk(pages), len(pages), 1))
        ours.append(rate(lambda: deque(map(extract, pages), maxlen=0), len(pages), 1))
        theirs.append(rate(lambda: by_trafilatura(some), len(some), 1))
    return {
        "parse_and_walk": statistics.median(bare),
        "extract": statistics.median(ours),
        "trafilatura_fast": statistics.median(theirs),
        "extract_over_parse_and_walk": statistics.median(o / b for o, b in zip(ours, bare, strict=True)),
        "extract_over_trafilatura": statistics.median(o / t for o, t in zip(ours, theirs, strict=True)),
    }


def compiled(rounds: int) -> dict[str, float]:
    """The same ratios of the extractor compiled (`make compiled`), in a process of its own; empty where it was not built."""
    if not COMPILED.is_dir():
        return {}
    ran = subprocess.run(
        [sys.executable, __file__, "--ratios", str(rounds)],
        env={**os.environ, "PYTHONPATH": str(COMPILED)},
        check=True,
        stdout=subprocess.PIPE,
    )
    return json.loads(ran.stdout)


def operators(documents: Sequence[Document], context: Ledger, rounds: int) -> dict[str, float]:
    """Documents a second of each operator; for those that decide over the corpus, of their signature."""
    found: dict[str, float] = {}
    for name in ("url-rules", "language", "quality", "paragraph-quality", "repetition", "c4-rules", "flagged-words", "pii",
                 "image-rules", "caption-detection", "near-duplicates", "boilerplate", "duplicate-images"):  # fmt: skip
        step = operator(name)
        if hasattr(step, "signature"):
            found[name] = rate(lambda s=step: [list(s.signature(d, context)) for d in documents], len(documents), rounds)
        else:
            found[name] = rate(lambda s=step: [list(s(d, context)) for d in documents], len(documents), rounds)
    return found


def storing(documents: Sequence[Document], media: dict[str, bytes], rounds: int) -> dict[str, float]:
    """Documents a second, with their media, written to and read from a corpus; bytes they take."""
    with tempfile.TemporaryDirectory() as folder:
        made = iter(range(100))
        write = rate(lambda: Corpus.create(f"{folder}/{next(made)}").append(documents, media), len(documents), rounds)
        corpus = Corpus.open(f"{folder}/0")
        read = rate(lambda: sum(1 for _ in corpus.stream(shuffle=True)), len(documents), rounds)
        size = {name: sum(f.stat().st_size for f in (Path(folder) / "0" / name).glob("*")) for name in ("documents", "media")}
    return {"write": write, "stream": read, "bytes_documents": size["documents"], "bytes_media": size["media"]}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ratios", metavar="ROUNDS", type=int, help="only the two ratios, as JSON")
    given = parser.parse_args()
    folders = {name: dataset(name).data for name in SETS}
    files = [p for folder in folders.values() for p in sorted(folder.rglob("*.html"))]
    pages = [p.read_bytes() for p in files]
    if given.ratios:
        print(json.dumps(ratios(pages, given.ratios)))
        return
    pictures = [p.read_bytes() for f in folders.values() for p in sorted(f.rglob("*")) if p.suffix in (".png", ".jpg")]
    documents = [extract(page, name=str(i)) for i, page in enumerate(pages)]
    by_name = {p.name: p for f in folders.values() for p in f.rglob("*") if p.suffix in (".png", ".jpg")}
    media: dict[str, bytes] = {}
    placed: list[Document] = []
    for document in documents:
        parts: list[Any] = []
        for part in document.parts:
            path = by_name.get(getattr(part, "url", "").rpartition("/")[2])
            if path:
                data = path.read_bytes()
                media[sha256(data)] = data
                part = type(part)(part.n, sha256(data), *(getattr(part, f) for f in ("url", "alt", "width", "height", "place")))
            parts.append(part)
        placed.append(document.evolve(parts=tuple(parts)))
    result = {
        "rounds": given.rounds, "pages": len(pages), "page_bytes": sum(map(len, pages)) / len(pages), "images": len(pictures),
        "image_bytes": sum(map(len, pictures)) / len(pictures),
        "images_a_page": sum(len(d.images) for d in documents) / len(documents),
        "words_a_page": sum(len(d.text.split()) for d in documents) / len(documents),
        "a_second": {
            **ratios(pages, given.rounds),
            "probe": rate(lambda: [probe(p) for p in pictures], len(pictures), given.rounds),
            **operators(placed, Ledger(media), given.rounds),
            **storing(placed, media, given.rounds),
        },
        "compiled": compiled(given.rounds),
        "machine": machine(), "code": code_hash("limner.pipeline"), "data": {n: folder_hash(f) for n, f in folders.items()},
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
