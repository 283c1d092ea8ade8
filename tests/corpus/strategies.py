"""Any document there can be, and corpora of known documents and files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from limner.corpus import Corpus
from limner.corpus.media import sha256
from limner.document import Audio, Document, Image, Mesh, Part, Text, Video, document_id
from limner.document.parts import ROLES

INT32 = 2**31 - 1
strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
refs = st.just("") | st.integers(0, 5).map(lambda i: sha256(file(i)))
seconds = st.floats(0, 1e9)
spans = st.tuples(seconds, seconds).map(lambda s: (s[0], s[0] + s[1])) | seconds.map(lambda s: (s, 0.0))
pixels = st.integers(0, INT32)


def file(i: int) -> bytes:
    """The bytes of the `i`-th file: a GIF header of its own size and a tail of its own."""
    return b"GIF89a" + bytes([i % 251 + 1, 0, 7, 0]) + hashlib.sha256(b"file %d" % i).digest()


@st.composite
def parts(draw: st.DrawFn, n: int) -> Part:
    """Any part with that ordinal."""
    kind = draw(st.sampled_from([Text, Image, Audio, Video, Mesh]))
    place = draw(strings)
    if kind is Text:
        of = draw(st.none() | st.integers(0, 40).filter(lambda i: i != n))
        return Text(n, draw(strings), draw(st.sampled_from(sorted(ROLES))), draw(st.integers(0, 6)), draw(strings), place, of)  # type: ignore[arg-type]
    ref, url = draw(refs), draw(strings)
    if kind is Image:
        return Image(n, ref, url, draw(strings), draw(pixels), draw(pixels), place)
    if kind is Mesh:
        return Mesh(n, ref, url, place)
    start, end = draw(spans)
    return Audio(n, ref, url, start, end, place) if kind is Audio else Video(n, ref, url, start, end, place)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Any document; its refs are of `file(0)` to `file(5)`."""
    ns = draw(st.lists(st.integers(0, 200) | st.just(INT32), max_size=6, unique=True))
    return Document(
        id=draw(strings.filter(bool)),
        parts=tuple(draw(parts(n)) for n in ns),
        source=draw(strings),
        url=draw(strings),
        title=draw(strings),
        language=draw(strings),
        meta=draw(st.dictionaries(strings, strings, max_size=3)),
    )


def lists_of_documents(max_size: int = 12) -> st.SearchStrategy[list[Document]]:
    """Documents whose ids differ."""
    return st.lists(documents(), max_size=max_size, unique_by=lambda d: d.id)


@cache
def page(i: int, host: str = "example.org", images: tuple[int, ...] = ()) -> Document:
    """The `i`-th of a run of pages that are easily told apart, showing those files, each with a caption."""
    shown: list[Part] = []
    for k, number in enumerate(images):
        url = f"https://{host}/images/{number}.gif"
        shown.append(
            Image(2 + 2 * k, ref=sha256(file(number)), url=url, alt=f"drawing {number}", width=number % 251 + 1, height=7)
        )
        shown.append(Text(3 + 2 * k, f"Figure {number}.", "caption", of=2 + 2 * k))
    address = f"https://{host}/page/{i}"
    return Document(
        document_id(address),
        (Text(0, f"Page {i}", "heading", 1), Text(1, f"The words of page {i} stand here."), *shown),
        source=address,
        url=address,
        title=f"Page {i}",
        language="en",
        meta={"site": host},
    )


@cache
def _files() -> dict[str, bytes]:
    return {sha256(data): data for data in map(file, range(400))}


def media_of(documents: Iterable[Document]) -> dict[str, bytes]:
    """The bytes of every file those documents refer to, numbers up to 400."""
    known = _files()
    return {p.ref: known[p.ref] for d in documents for p in d.parts if not isinstance(p, Text) and p.ref in known}


def pages(count: int, shared: bool = True) -> list[Document]:
    """`count` pages: every one shows a file of its own, and one that others show too where `shared`."""
    return [page(i, images=(10 + i % 300, i % 4) if shared else (10 + i % 300,)) for i in range(count)]


def corpus_of(path: str | Path, documents: Sequence[Document], batch: int = 10, **facts: Any) -> Corpus:
    """A corpus of those documents with their files."""
    corpus = Corpus.create(str(path), facts)
    corpus.append(documents, media_of(documents), batch=batch)
    return corpus


def with_records(corpus: Corpus, documents: Sequence[Document], dropped: Sequence[Document] = ()) -> Corpus:
    """Appends a batch with a ledger, dropped documents and rejects."""
    from limner.document.jsonform import dumps

    writer = corpus.batch()
    for data in media_of(documents).values():
        writer.put(data)
    for document in documents:
        writer.add(document)
        writer.ledger.append((document.id, 0, "quality", "drop", "short", 1.0, 2.0, ""))
    for document in dropped:
        writer.ledger.append((document.id, -1, "near-duplicates", "drop", "duplicate", 0.9, 0.8, "of another"))
        writer.dropped.append((document.id, -1, "near-duplicates", dumps(document)))
    writer.rejects.append(("https://broken.example/x", "https://broken.example/x", "SourceError", "not a page"))
    corpus.commits.append(writer.commit([d.source for d in [*documents, *dropped]]))
    writer.close()
    return corpus


def renamed(document: Document, id: str) -> Document:
    """The same document under another id."""
    return replace(document, id=id)
