"""Pages on the web: lists of URLs and sitemaps, fetched politely into a cache and read from there."""

from __future__ import annotations

import gzip
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from limner.corpus.media import MediaSink
from limner.document import Document, document_id
from limner.errors import SourceError
from limner.sources.attach import attach
from limner.sources.fetch import Fetcher, FetchSettings
from limner.sources.files import MAX_PAGE
from limner.sources.httpbody import charset_of
from limner.sources.kinds import Page, documents
from limner.sources.rejects import log
from limner.sources.sitemap import MAX_BYTES, parse_sitemap, url_lines
from limner.sources.source import Input
from limner.sources.weburl import clean_url

NO_IMAGES = "noimageai"
"""The name in a document's `meta` that says its page reserves its images."""


@dataclass(frozen=True)
class _Pages:
    """What lists of URLs and sitemaps share: `fetch` fills the cache, `read` reads it and makes no request."""

    settings: FetchSettings = field(default_factory=FetchSettings, kw_only=True)
    extractor: str = field(default="bundled:lexbor", kw_only=True)
    experts: Mapping[str, str] = field(default_factory=dict[str, str], kw_only=True)

    def fetch(self, inputs: Sequence[Input], progress: Callable[[int], None]) -> None:
        """Bring the pages here; what could not be had is kept for `read` to raise."""
        Fetcher(self.settings).fetch([input.location for input in inputs], progress)

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """The documents of one page; its `data:` images are stored, others have their URL."""
        for document in self.pages(input, media):
            yield attach(document, lambda _: None, media)

    def pages(self, input: Input, media: MediaSink | None = None) -> Iterable[Document]:
        """The documents of one page as the cache has it; what a page only names is not stored."""
        cache = self.settings.folder
        entry = cache.entry(input.location)
        if entry is None:
            raise SourceError(f"{input.name}: not fetched yet; run the fetch stage first")
        if not entry.ok:
            raise SourceError(f"{input.name}: {entry.reason}")
        data = cache.body(entry)
        if data is None:
            raise SourceError(f"{input.name}: its bytes are gone from {cache.folder}; fetch it again")
        url, charset = entry.final or entry.url, charset_of(entry.content_type)
        page = Page(data, input.name, document_id(input.name), url, charset, self.extractor, experts=self.experts)
        for document in documents(page, None if entry.no_images else media, limit=MAX_PAGE):
            if entry.no_images:
                document = document.evolve(meta={**document.meta, NO_IMAGES: "1"})
            yield document


@dataclass(frozen=True)
class UrlSource(_Pages):
    """URLs, given as a tuple or as the path of a text file with one a line (gzip too; `#` begins a comment)."""

    urls: tuple[str, ...] = ()
    file: str = ""

    def inputs(self) -> Iterator[Input]:
        """The URLs in the order given, each once."""
        seen: set[str] = set()
        for url in self._listed():
            url = clean_url(url)
            if url not in seen:
                seen.add(url)
                yield Input(url, url)

    def _listed(self) -> Iterator[str]:
        yield from self.urls
        if self.file:
            try:
                opener = gzip.open if self.file.endswith(".gz") else open
                with opener(self.file, "rt", encoding="utf-8-sig", errors="replace") as file:
                    yield from url_lines(file)
            except (OSError, EOFError) as error:
                raise SourceError(f"{self.file}: cannot be read as a list of URLs: {error}") from None


@dataclass(frozen=True)
class SitemapSource(_Pages):
    """The pages a sitemap lists, with those of the sitemaps it lists in turn (at most `max_sitemaps`). Only pages of
    the sitemap's own host count, as the protocol has it, unless `other_hosts`. Sitemaps come from the cache when a
    run is resumed, so that the inputs are the same."""

    url: str
    other_hosts: bool = False
    max_sitemaps: int = 1000
    max_pages: int = 10_000_000

    def inputs(self) -> Iterator[Input]:
        """The pages in the order listed, each once; `detail` is the last modification the sitemap gives."""
        fetcher = Fetcher(replace(self.settings, max_bytes=max(self.settings.max_bytes, MAX_BYTES)))
        todo, asked, seen = deque([clean_url(self.url)]), {clean_url(self.url)}, set[str]()
        while todo:
            at = todo.popleft()
            try:
                found = parse_sitemap(_bytes(fetcher, at))
            except SourceError as error:
                if at == clean_url(self.url):
                    raise SourceError(f"{at}: {error}") from None
                log.warning("sitemap %s: %s", at, error)
                continue
            if found.damage:
                log.warning("sitemap %s: read up to its damage (%s)", at, found.damage)
            for url, modified in found.pages:
                url = clean_url(url)
                if url not in seen and self._counts(url):
                    seen.add(url)
                    yield Input(url, url, modified)
                    if len(seen) >= self.max_pages:
                        return
            for further in map(clean_url, found.sitemaps):
                if further not in asked and len(asked) < self.max_sitemaps and self._counts(further):
                    asked.add(further)
                    todo.append(further)

    def _counts(self, url: str) -> bool:
        return self.other_hosts or _host(url) == _host(self.url)


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower().removeprefix("www.")
    except ValueError:
        return url


def _bytes(fetcher: Fetcher, url: str) -> bytes:
    entry = fetcher.one(url, kind="site")
    data = fetcher.cache.body(entry)
    if data is None:
        raise SourceError(entry.reason or "its bytes are gone from the cache")
    return data
