"""A corpus of any size composed from the real pages of gimp-help-en: the same pages again and again under other ids, with the
images they show. Said to be composed wherever a figure comes from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from limner.corpus import Corpus
from limner.corpus.media import sha256
from limner.document import Document, Image, document_id
from limner.sources.datasets import dataset
from limner.sources.html import extract

SET = "gimp-help-en"


def real_pages() -> tuple[list[Document], dict[str, bytes]]:
    """The 685 pages with the images they show, stored."""
    folder = dataset(SET).data
    files: dict[str, bytes] = {}
    pages: list[Document] = []
    for path in sorted(folder.glob("*.html")):
        page = extract(path.read_bytes(), name=path.name)
        parts = []
        for part in page.parts:
            image = folder / part.url if isinstance(part, Image) and part.url else None
            if (
                isinstance(part, Image)
                and image is not None
                and image.resolve().is_relative_to(folder.resolve())
                and image.is_file()
            ):
                data = image.read_bytes()
                files[sha256(data)] = data
                part = Image(part.n, sha256(data), part.url, part.alt, part.width, part.height, part.place)
            parts.append(part)
        pages.append(page.evolve(parts=tuple(parts)))
    return pages, files


def composed(number: int, own: bool = False) -> Iterator[tuple[Document, dict[str, bytes]]]:
    """`number` documents with their files. Where `own`, each copy of the set has files of its own (16 bytes more at the end),
    so that the bytes of the corpus grow as its documents do."""
    pages, files = real_pages()
    for copy, page in islice(((c, p) for c in count() for p in pages), number):
        name = f"copy {copy}/{page.source}"
        held: dict[str, bytes] = {}
        parts = []
        for part in page.parts:
            if isinstance(part, Image) and part.ref:
                data = files[part.ref] + (b"%016d" % copy if own else b"")
                ref = sha256(data) if own else part.ref
                held[ref] = data
                part = Image(part.n, ref, part.url, part.alt, part.width, part.height, part.place)
            parts.append(part)
        yield page.evolve(id=document_id(name), source=name, parts=tuple(parts)), held


def write_corpus(place: str | Path, number: int, batch: int = 500, own: bool = False) -> Corpus:
    """A corpus of `number` composed documents."""
    corpus = Corpus.create(str(place), {"complete": True, "note": f"composed from {SET}"})
    every = composed(number, own)
    while held := list(islice(every, batch)):
        corpus.append([d for d, _ in held], {ref: data for _, files in held for ref, data in files.items()}, batch)
    corpus.save_indexes()
    return corpus
