"""Sitemaps (https://www.sitemaps.org/protocol.html): XML, an index of them, gzip, or plain text; safely parsed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from limner.errors import SourceError
from limner.sources.kinds import gunzip

MAX_BYTES = 64 * 2**20
"""The protocol allows 50 MB before compression."""
MAX_URLS = 100_000
"""The protocol allows 50,000 in one file; more than twice that is not a sitemap."""
_MAX_URL = 8192
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What one file lists: pages (URL and last modification, as written), and further sitemaps. `damage` says what
    is wrong with the rest of it, ""  where nothing is."""

    pages: tuple[tuple[str, str], ...] = ()
    sitemaps: tuple[str, ...] = ()
    damage: str = ""


def parse_sitemap(data: bytes) -> Sitemap:
    """The sitemap in `data`. What stands before damage is kept; entities are not expanded, and a file that declares
    any, is too large once decompressed or is no sitemap at all raises `SourceError`.

    >>> parse_sitemap(b"<urlset><url><loc> https://a.org/ </loc><lastmod>2026-01-02</lastmod></url></urlset>").pages
    (('https://a.org/', '2026-01-02'),)
    """
    if data.startswith(b"\x1f\x8b\x08"):
        data = gunzip(data, MAX_BYTES)
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"http://", b"https://")):
        return Sitemap(tuple((url, "") for url in url_lines(data.decode("utf-8-sig", "replace").splitlines())))
    handler = _Handler()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    parser.EntityDeclHandler = handler.entity
    parser.buffer_text = True
    damage = ""
    try:
        for at in range(0, len(data), 1 << 16):
            parser.Parse(data[at : at + (1 << 16)], False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        damage = str(error)
    if handler.root not in ("urlset", "sitemapindex"):
        raise SourceError("not a sitemap: neither XML with a urlset or sitemapindex nor a list of URLs")
    return Sitemap(tuple(handler.pages), tuple(handler.sitemaps), damage)


class _Handler:
    """Takes `loc` and `lastmod` only right below `url` or `sitemap` right below the root: image and video extensions
    have a `loc` of their own."""

    def __init__(self) -> None:
        self.root = ""
        self.pages: list[tuple[str, str]] = []
        self.sitemaps: list[str] = []
        self._depth = 0
        self._entry = ""
        self._field = ""
        self._values: dict[str, str] = {}

    def start(self, name: str, _attributes: Any) -> None:
        space, _, local = name.rpartition(" ")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise SourceError("nested too deep for a sitemap")
        if self._depth == 1:
            self.root = local
        elif self._depth == 2:
            self._entry, self._space, self._values = local, space, {}
        elif self._depth == 3 and space == self._space and local in ("loc", "lastmod"):
            self._field = local

    def text(self, text: str) -> None:
        if self._field and self._depth == 3:
            before = self._values.get(self._field, "")
            self._values[self._field] = (before + text)[: _MAX_URL + 1]

    def end(self, _name: str) -> None:
        if self._depth == 3:
            self._field = ""
        elif self._depth == 2:
            url = self._values.get("loc", "").strip()
            if 0 < len(url) <= _MAX_URL:
                if len(self.pages) + len(self.sitemaps) >= MAX_URLS:
                    raise SourceError(f"lists more than {MAX_URLS} URLs")
                if self._entry == "url":
                    self.pages.append((url, self._values.get("lastmod", "").strip()[:40]))
                elif self._entry == "sitemap":
                    self.sitemaps.append(url)
        self._depth -= 1

    def entity(self, *_: object) -> None:
        raise SourceError("declares XML entities, which a sitemap has no use for")


def url_lines(lines: Iterable[str]) -> Iterable[str]:
    """The URLs in lines of text: one a line, blank lines and what follows a `#` at the start of a line or after white
    space left out, as is what is longer than a URL may be."""
    for line in lines:
        url = line.partition(" #")[0].strip()
        if url and not url.startswith("#") and len(url) <= _MAX_URL:
            yield url
