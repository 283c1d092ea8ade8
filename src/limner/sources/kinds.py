"""What a file is, told from its first bytes, and who reads it.

A name can lie and a server's content type too, so the bytes decide; the name only settles what bytes leave open
(a fragment of HTML without any tag a browser looks for). A reader of a further kind (PDF, EPUB, ...) is one line in
`READERS` or one entry point in the group `limner.readers`.
"""

from __future__ import annotations

import gzip
import importlib
import io
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import PurePosixPath
from typing import cast

from limner.corpus.media import MediaSink
from limner.corpus.probe import UNKNOWN, mime
from limner.document import Document
from limner.errors import SourceError

HEAD = 1024
"""How many bytes of a file `recognise` wants to see; more are not looked at."""


@dataclass(frozen=True, slots=True)
class Page:
    """The bytes of one page on their way to a reader. `name` is its input's, `id` its document's, `url` where it
    was fetched ("" for a local file), `charset` what its transport said, `path` the file it lies in, where it is one: then a
    reader of a kind in `BY_PATH` gets no `data`. `experts` are the models that a reader may ask, by port, as in
    {"ocr": "bundled:rapidocr"}; without an address a reader does without."""

    data: bytes
    name: str
    id: str
    url: str = ""
    charset: str = ""
    extractor: str = "bundled:lexbor"
    path: str = ""
    experts: Mapping[str, str] = field(default_factory=dict[str, str])


Reader = Callable[[Page, MediaSink | None], Iterable[Document]]
"""Takes the bytes of one input to its documents. Pictures that lie in the bytes themselves go to the sink, where there is one;
those that a page only names stay as `url`, for the source to bring."""

READERS: dict[str, str] = {
    "html": "limner.sources.page:read_html",
    "pdf": "limner.sources.pdf.read:read_pdf",
    "epub": "limner.sources.epub:read_epub",
    "zip": "limner.sources.zipped:read_zip",
    "tar": "limner.sources.archivepages:read_archive",
    "notebook": "limner.sources.notebook:read_notebook",
    "markdown": "limner.sources.markdown:read_markdown",
    "rst": "limner.sources.rst:read_rst",
    "xml": "limner.sources.xmlbook:read_xml",
    "video": "limner.sources.video.read:read_video",
    "audio": "limner.sources.audio:read_audio",
}
"""A kind's reader, as `module:function`; imported when the first input of that kind is read."""

BY_PATH = frozenset({"audio", "video"})
"""Kinds whose files are too large to be held in memory: a reader opens the file itself."""

LIMITS: dict[str, int] = {
    "pdf": 512 * 2**20,
    "epub": 512 * 2**20,
    "zip": 512 * 2**20,
    "tar": 512 * 2**20,
    "notebook": 128 * 2**20,
}
"""The most bytes of a file, for kinds of which an honest one may be larger than a page."""

# The tags and the skipping of white space are those of https://mimesniff.spec.whatwg.org/ (section 7.1); <meta,
# <link and <article are ours, seen in pages saved by tools.
_TAG = rb"!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|meta|link|article|main|section"
_HTML = re.compile(rb"(?:<\?xml[^>]{0,200}>)?\s*(?:<!--.*?(?:-->\s*|\Z))*<(?:" + _TAG + rb")[\s/>]", re.I | re.S)
_XML = re.compile(rb"\s*<(?:\?xml|!--|!doctype|urlset|sitemapindex)", re.I)
_SITEMAP = re.compile(rb"<(?:\w+:)?(?:urlset|sitemapindex)[\s>]", re.I)

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "pdf"),
    (b"WARC/1.", "warc"),
    (b"WARC/0.", "warc"),
    (b"PK\3\4", "zip"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
)

_NAMED = {".html": "html", ".htm": "html", ".xhtml": "html", ".xht": "html", ".shtml": "html", ".txt": "text", ".rst": "rst"}
# Markdown may begin with HTML, and nothing in its bytes tells it from other text: its name does.
_PAGE = re.compile(rb"<html[\s>]|<!doctype html", re.I)
_BOOK = re.compile(rb"docbook|projectmallard\.org|<(?:book|refentry)[\s>]", re.I)
_MARKDOWN = (".md", ".markdown", ".myst")
_NOTEBOOK = re.compile(rb'\s*\{\s*"(?:cells|metadata|nbformat|worksheets)"')


def recognise(head: bytes, name: str = "") -> str:
    """The kind of a file from its first bytes: `html`, `pdf`, `epub`, `warc`, `sitemap`, `text` (by its name), the
    MIME type of an image or other media, or "" where it is none that is known. A gzip file is what is inside it.

    >>> recognise(b"<!doctype html><p>Hi"), recognise(b"%PDF-1.7"), recognise(b"Plain words", "a.html")
    ('html', 'pdf', 'html')
    >>> recognise(b"GIF89a and so on", "page.html")
    'image/gif'
    """
    head = head[:HEAD]
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return _inside(kind, head, name)
    if is_tar(head):
        return "tar"
    text = _as_ascii(head)
    if _XML.match(text) and _SITEMAP.search(text):
        return "sitemap"
    # A page made from DocBook says so too.
    if not _PAGE.search(text) and ((_XML.match(text) and _BOOK.search(text)) or b"projectmallard.org" in text):
        return "xml"
    if name.lower().endswith(_MARKDOWN) and _is_text(text) and not text.lstrip()[:9].lower().startswith(b"<!doctype"):
        return "markdown"
    if _HTML.match(text.lstrip()):
        return "html"
    media = mime(head)
    if media != UNKNOWN:
        return media
    if _NOTEBOOK.match(text) and (b'"cells"' in text or b'"nbformat' in text or name.lower().endswith(".ipynb")):
        return "notebook"
    if b"<html" in text.lower():
        return "html"
    return _NAMED.get(PurePosixPath(name.lower()).suffix, "") if _is_text(text) else ""


def _inside(kind: str, head: bytes, name: str) -> str:
    if kind == "gzip":
        try:
            inner = zlib.decompressobj(31).decompress(head, HEAD)
        except zlib.error:
            return "gzip"
        return "gzip" if not inner or inner.startswith(b"\x1f\x8b") else recognise(inner, name.removesuffix(".gz")) or "gzip"
    if kind == "zip" and b"mimetypeapplication/epub+zip" in head[:100]:
        return "epub"
    return kind


def is_tar(head: bytes) -> bool:
    """Whether a file's first 512 bytes are the header of a tar's first member: its checksum says so (pax(1), ustar format)."""
    if len(head) < 512 or not head[0]:
        return False
    stated = head[148:156].strip(b" \0")
    if not stated or not stated.isdigit() or b"8" in stated or b"9" in stated:
        return False
    return sum(head[:148]) + 8 * 32 + sum(head[156:512]) == int(stated, 8)


_UNICODE = (
    (b"\xef\xbb\xbf", 3, "utf-8"),
    (b"\xff\xfe", 2, "utf-16-le"),
    (b"\xfe\xff", 2, "utf-16-be"),
    (b"<\0", 0, "utf-16-le"),
    (b"\0<", 0, "utf-16-be"),
)


def _as_ascii(head: bytes) -> bytes:
    """`head` with any Unicode encoding brought to bytes that ASCII patterns match."""
    for start, skip, codec in _UNICODE:
        if head.startswith(start):
            return head[skip:].decode(codec, "replace").encode("ascii", "replace")
    return head


def _is_text(head: bytes) -> bool:
    """Whether there is no binary data byte (https://mimesniff.spec.whatwg.org/#binary-data-byte)."""
    return _BINARY.search(head) is None


_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


@cache
def reader(kind: str) -> Reader:
    """Who reads files of this kind; raises `SourceError` where nobody does."""
    target = READERS.get(kind) or READERS.get(family(kind))
    if target is None:
        point = _point(kind)
        if point is None:
            what = f"a file of kind {kind!r}" if kind else "neither text nor of a kind that is known"
            raise SourceError(f"{what}: there is no reader for it; kinds with one: {', '.join(sorted(READERS))}")
        return cast("Reader", point.load())
    module, _, function = target.partition(":")
    return cast("Reader", getattr(importlib.import_module(module), function))


def readable(kind: str) -> bool:
    """Whether there is a reader for this kind."""
    return kind in READERS or family(kind) in READERS or _point(kind) is not None


def family(kind: str) -> str:
    """The first half of a MIME type: what one reader reads all of.

    >>> family("video/mp4"), family("pdf")
    ('video', 'pdf')
    """
    return kind.partition("/")[0]


@cache
def _point(kind: str) -> EntryPoint | None:
    return next(iter(entry_points(group="limner.readers", name=kind)), None) if kind else None


def documents(page: Page, media: MediaSink | None = None, *, limit: int) -> Iterable[Document]:
    """The documents in the bytes of a page, by the reader of its kind; gzip is undone, up to `limit` bytes.
    Raises `SourceError` naming the page where its bytes are of no kind that is read."""
    data = page.data
    if data.startswith(b"\x1f\x8b\x08") and recognise(data[:HEAD]) != "tar":
        data = gunzip(data, limit)
    kind = recognise(data[:HEAD], page.name.removesuffix(".gz"))
    if kind in ("bzip2", "xz", "zstd"):
        from limner.sources.archive import recognised

        kind, _ = recognised(io.BytesIO(data), page.name)
    try:
        read = reader(kind)
    except SourceError as error:
        raise SourceError(f"{page.name}: {error}") from None
    return read(page if data is page.data else replace(page, data=data), media)


def gunzip(data: bytes, limit: int) -> bytes:
    """`data` without its gzip; raises `SourceError` past `limit` bytes (a bomb) or where it is damaged."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            out = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"damaged gzip: {error}") from None
    if len(out) > limit:
        raise SourceError(f"more than {limit} bytes once decompressed; raise the limit if the file is honest")
    return out
