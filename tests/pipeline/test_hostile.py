"""Broken and hostile pages cost themselves only: each ends in the corpus, the ledger or the rejects, and nothing escapes."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

from limner import Corpus
from limner.pipeline import Plan, build, step
from limner.sources.files import FolderSource
from pipeline.mutations import HOSTILE, WAYS, write
from pipeline.pages import write_site


def accounted(corpus: Corpus) -> set[str]:
    """The inputs of which something is known: a document, a dropped one, or a reject."""
    import json

    known = {d.source for d in corpus}
    for table in corpus.rows("dropped"):
        known |= {json.loads(row["json"]).get("source", "") for row in table.to_pylist() if row["part"] == -1}
    for table in corpus.rows("rejects"):
        known |= {row["input"] for row in table.to_pylist()}
    return known


def test_every_broken_page_is_accounted_for(tmp_path: Path) -> None:
    site = write_site(tmp_path / "site", pages=12)
    pages = [p.read_bytes() for p in sorted(site.glob("*.html"))]
    pictures = [p.read_bytes() for p in sorted((site / "img").glob("*.png"))]
    folder = write(tmp_path / "broken", pages, pictures, 160)
    steps = (step("image-rules", min_width=1, min_height=1), step("near-duplicates"), step("duplicate-images"))
    source = FolderSource(str(folder))
    tracemalloc.start()
    build(Plan(steps=steps, batch=20, seconds=20), str(tmp_path / "corpus"), sources=[source])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    corpus = Corpus.open(tmp_path / "corpus")
    assert {i.name for i in source.inputs()} <= accounted(corpus)
    assert peak < 400 * 2**20
    passwd = Path("/etc/passwd").read_bytes()
    assert all(corpus.media(info.ref) != passwd for info in corpus.media_infos())


def test_the_ways_are_what_they_say() -> None:
    rng = random.Random(1)
    page = b"<html><body><p>" + b"word " * 200 + b"</p></body></html>"
    assert all(way(rng, page) != page for way in WAYS)
    assert any(b"etc/passwd" in name.encode("utf-8", "surrogatepass") for name in HOSTILE)
