"""WARC files (ISO 28500), plain or gzip, on disk or remote: their pages, with the images that lie in the same file."""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from typing import IO, Any, cast

from limner.corpus.media import MediaSink
from limner.document import Document, document_id
from limner.errors import LimnerError, SourceError
from limner.sources.attach import MAX_IMAGE, attach
from limner.sources.files import MAX_PAGE
from limner.sources.httpbody import charset_of, decode_body, unchunk
from limner.sources.kinds import Page, documents
from limner.sources.optout import rights
from limner.sources.rejects import reject
from limner.sources.remote import open_binary
from limner.sources.source import Input
from limner.sources.urls import NO_IMAGES
from limner.sources.warcindex import WarcIndex, index, record_header, what
from limner.sources.warcrecords import records

# Whatever one hostile page can raise; not what a caller raises into us (a deadline, an interruption).
_BROKEN = (LimnerError, OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)

_HELD = 32 * 2**20
"""Bytes of images that are held while a range is read."""

_PARALLEL = 64 * 2**20
"""Several files of more bytes than this in all are indexed by several processes."""


@dataclass(frozen=True)
class WarcSource:
    """The pages in a WARC file, or in all below a folder.

    An input is a run of about `pages` pages by byte range, so that several workers can share a file; where to cut is
    found in one pass that also notes where the images lie, and is kept in limner's cache. Only what was fetched with
    status 200 counts. Pages that reserve themselves (`noai`, TDMRep) are left out unless `optouts` is False. A
    damaged record costs itself: it is reported as `name:offset`, and reading goes on behind it.
    """

    path: str
    extractor: str = "bundled:lexbor"
    pages: int = 1000
    images: bool = True
    optouts: bool = True
    allow_private: bool = False
    max_page: int = MAX_PAGE
    max_image: int = MAX_IMAGE
    cache: str = ""
    experts: Mapping[str, str] = field(default_factory=dict[str, str])

    def files(self) -> Iterator[tuple[str, str]]:
        """Name and location of each WARC file, by path."""
        if "://" in self.path:
            yield self.path, self.path
            return
        path = Path(self.path).absolute()
        if path.is_dir():
            for found in sorted(p for p in path.rglob("*") if p.name.endswith((".warc", ".warc.gz")) and p.is_file()):
                yield f"{path.name}/{found.relative_to(path).as_posix()}", str(found)
        elif path.exists():
            yield path.name, str(path)
        else:
            raise SourceError(f"{self.path}: no such WARC file")

    def inputs(self) -> Iterator[Input]:
        """Ranges of records, in file order. A file that cannot be read gives one input, which raises when read."""
        files = list(self.files())
        for (name, location), found in zip(files, self._indexes([location for _, location in files]), strict=True):
            if found is None:
                yield Input(name, location, "0-")
                continue
            starts = (0, *found.cuts[1:])
            for start, end in zip(starts, (*starts[1:], found.size), strict=True):
                detail = f"{start}-{end if end != found.size else ''}"
                yield Input(f"{name}@{start}", location, detail, max(end - start, 0))

    def _indexes(self, locations: list[str]) -> Iterator[WarcIndex | None]:
        local = [location for location in locations if "://" not in location]
        if len(local) > 1 and sum(os.path.getsize(location) for location in local) > _PARALLEL:
            kind = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
            with ProcessPoolExecutor(min(len(local), os.cpu_count() or 1), get_context(kind)) as pool:
                yield from pool.map(self.index, locations)
        else:
            yield from map(self.index, locations)

    def index(self, location: str) -> WarcIndex | None:
        """The index of one file, made if it is not there; None where the file cannot be read."""
        try:
            return index(location, self.pages, cache=self.cache, allow_private=self.allow_private)
        except LimnerError:
            return None

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """The documents of one range of records."""
        first, _, last = input.detail.partition("-")
        start, end = int(first), int(last) if last else None
        ordinal = seen = 0

        def broken(offset: int, error: Exception) -> None:
            if end is None or offset < end:
                reject(media, f"{input.name}:{offset}", input.location, error)

        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open_binary(input.location, allow_private=self.allow_private))
            load = _Images(self, input.location, stack) if self.images else lambda _: None
            for offset, record in records(file, start, broken):
                if end is not None and offset >= end:
                    break
                seen += 1
                if what(record) != "page":
                    continue
                try:
                    for document in self._page(record, input.name, ordinal, media):
                        usable = load if NO_IMAGES not in document.meta else lambda _: None
                        yield attach(document, usable, media)
                except _BROKEN as error:
                    broken(offset, error)
                ordinal += 1
        if not seen:
            raise SourceError(f"{input.location}: no WARC record can be read from it")

    def _page(self, record: Any, name: str, ordinal: int, media: MediaSink) -> Iterator[Document]:
        url = record_header(record, "WARC-Target-URI").strip("<>")
        data = body(record, self.max_page)
        headers = {k.lower(): v for k, v in record.http_headers.items()} if record.http_headers else {}
        meta: dict[str, str] = {}
        if self.optouts:
            said = rights(headers, data)
            if said.reason:
                raise SourceError(f"{url}: reserved by its owner: {said.reason}")
            if said.no_images:
                meta[NO_IMAGES] = "1"
        if date := record_header(record, "WARC-Date"):
            meta["fetched"] = date
        charset = charset_of(headers.get("content-type", "") or record_header(record, "Content-Type"))
        page = Page(data, name, document_id(name, ordinal), url, charset, self.extractor, experts=self.experts)
        for document in documents(page, None if NO_IMAGES in meta else media, limit=self.max_page):
            yield document.evolve(meta={**document.meta, **meta})


def body(record: Any, limit: int) -> bytes:
    """The payload of a record, its transfer and content encodings undone; raises `SourceError` past `limit` bytes."""
    data = cast("bytes", record.reader.read(limit + 1))
    if len(data) > limit:
        raise SourceError(f"{record_header(record, 'WARC-Target-URI')}: more than {limit} bytes")
    http = record.http_headers
    if http is None:
        return data
    if "chunked" in str(http.get("Transfer-Encoding", "")).lower():
        data = unchunk(data)
    return decode_body(data, str(http.get("Content-Encoding", "") or "").split(","), limit)


class _Images:
    """Loads images by URL from the WARC file that a page lies in. The index and a second handle on the file are opened
    for the first image that is asked for; the pages of a site share logos and icons, so what was read last is held."""

    def __init__(self, source: WarcSource, location: str, stack: contextlib.ExitStack):
        self._source = source
        self._location = location
        self._stack = stack
        self._open: tuple[Callable[[str], int | None], IO[bytes]] | None = None
        self._held: OrderedDict[int, bytes | None] = OrderedDict()
        self._size = 0

    def __call__(self, url: str) -> bytes | None:
        if self._open is None:
            found = self._source.index(self._location)
            if found is None:
                return None
            file = open_binary(self._location, allow_private=self._source.allow_private)
            self._open = self._stack.enter_context(found.images()), self._stack.enter_context(file)
        find, file = self._open
        offset = find(url)
        if offset is None:
            return None
        if offset in self._held:
            self._held.move_to_end(offset)
        else:
            data = self._held[offset] = self._load(file, offset)
            self._size += len(data or b"")
            while self._size > _HELD and len(self._held) > 1:
                self._size -= len(self._held.popitem(last=False)[1] or b"")
        return self._held[offset]

    def _load(self, file: IO[bytes], offset: int) -> bytes | None:
        for at, record in records(file, offset, lambda _offset, _error: None):
            if at != offset:
                break
            try:
                return body(record, self._source.max_image)
            except (LimnerError, OSError):
                break
        return None


def is_warc(name: str) -> bool:
    """Whether a file is called like a WARC file."""
    return os.path.basename(name).lower().endswith((".warc", ".warc.gz"))
