"""EPUB books to documents: one for each chapter, with its pictures."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from xml.etree import ElementTree

from limner.corpus.media import MediaSink
from limner.document import Document, document_id
from limner.errors import SourceError
from limner.sources.attach import attach
from limner.sources.html.encoding import decode
from limner.sources.html.whole import whole
from limner.sources.kinds import Page
from limner.sources.zipfolder import ZipFolder

_PACKAGE = "{http://www.idpf.org/2007/opf}"
_DUBLIN = "{http://purl.org/dc/elements/1.1/}"
_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_PAGES = ("application/xhtml+xml", "text/html")


def read_epub(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of the kind `epub` (2 and 3): the chapters in the order of the spine, without the book's own contents."""
    book = ZipFolder(page.data, page.name)
    path = _package(book, page.name)
    package = xml(book.read(path), page.name)
    folder = posixpath.dirname(path)
    facts = {tag: "; ".join(_texts(package, tag)) for tag in ("title", "language", "creator", "date", "rights")}
    meta = {"book": facts["title"], "author": facts["creator"], "date": facts["date"], "license": facts["rights"]}
    meta = {key: value for key, value in meta.items() if value}
    items = {
        item.get("id", ""): item
        for item in package.iter(f"{_PACKAGE}item")
        if item.get("media-type") in _PAGES and item.get("href")
    }
    ordinal = 0
    for reference in package.iter(f"{_PACKAGE}itemref"):
        item = items.get(reference.get("idref", ""))
        if item is None or "nav" in item.get("properties", "").split():
            continue
        chapter = book.find(item.get("href", ""), folder)
        if not chapter:
            continue
        document = whole(
            decode(book.read(chapter)), name=page.name, id=document_id(page.name, ordinal), language=facts["language"].split(";")[0],
            meta={**meta, "chapter": chapter},
        )  # fmt: skip
        if document.parts:
            ordinal += 1
            yield attach(document, _Pictures(book, posixpath.dirname(chapter)), media) if media is not None else document


class _Pictures:
    def __init__(self, book: ZipFolder, folder: str) -> None:
        self._book, self._folder = book, folder

    def __call__(self, url: str) -> bytes | None:
        path = self._book.find(url, self._folder)
        return self._book.read(path) if path else None


def _package(book: ZipFolder, name: str) -> str:
    container = xml(book.read("META-INF/container.xml"), name)
    for root in container.iter(f"{_CONTAINER}rootfile"):
        if path := book.find(root.get("full-path", "")):
            return path
    raise SourceError(f"{name}: a book without a package file")


def _texts(package: ElementTree.Element, tag: str) -> list[str]:
    return [" ".join((found.text or "").split()) for found in package.iter(_DUBLIN + tag) if (found.text or "").strip()]


def xml(data: bytes, name: str) -> ElementTree.Element:
    """The root of an XML file that defines no entities; raises `SourceError` for another."""
    if b"<!ENTITY" in data:
        raise SourceError(f"{name}: its XML defines entities, which honest files of this kind do not")
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise SourceError(f"{name}: damaged XML ({error})") from None
