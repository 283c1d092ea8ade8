"""The images of a page that lies in a folder or an archive, found by what the page calls them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import unquote, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from limner.document import Document, Image
from limner.errors import SourceError
from limner.sources.archive import Archive, find
from limner.sources.confine import local_path, read_bounded

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True)
class PageImages:
    """Loads the images of a page by `load`, which takes a path relative to the page. A URL of the site that the page says it is
    from (by `base`, its <base href>, or `canonical`) is looked for at the same distance from the page."""

    load: Callable[[str], bytes | None]
    base: str = ""
    canonical: str = ""

    def __call__(self, url: str) -> bytes | None:
        for reference in self._references(url):
            if data := self.load(reference):
                return data
        return None

    def _references(self, url: str) -> Iterator[str]:
        yield url
        if self.base and not urlsplit(self.base).netloc and not url.startswith("/"):
            yield urljoin(self.base, url)
        here, there = urlsplit(urljoin(self.canonical, self.base)), _split(url)
        if there and here.netloc and there.netloc == here.netloc:
            yield posixpath.relpath(there.path or "/", posixpath.dirname(here.path) or "/")

    def absolute(self, document: Document) -> Document:
        """`document` with the urls of images that are not here made absolute, where the page says what it is from."""
        base = urljoin(self.canonical, self.base)
        if not urlsplit(base).netloc:
            return document
        return document.evolve(
            parts=tuple(
                replace(part, url=_join(base, part.url)) if isinstance(part, Image) and not part.ref and part.url else part
                for part in document.parts
            )
        )


def in_folder(root: str, folder: str, limit: int) -> Callable[[str], bytes | None]:
    """Loads what a page of `folder` below `root` names, of at most `limit` bytes, and nothing outside `root`."""

    def load(reference: str) -> bytes | None:
        path = local_path(root, folder, reference)
        return read_bounded(path, limit) if path else None

    return load


def in_archive(archive: Archive, folder: str, limit: int) -> Callable[[str], bytes | None]:
    """Loads what a page of `folder` in an archive names: the same, in the archive."""

    def load(reference: str) -> bytes | None:
        if _SCHEME.match(reference) or reference.startswith(("//", "\\")):
            return None
        plain = re.split(r"[?#]", reference, maxsplit=1)[0]
        for written in dict.fromkeys((plain, unquote(plain))):
            if written and (path := find(archive, folder, written)):
                try:
                    return archive.read(path, limit)
                except SourceError:
                    return None  # a damaged image leaves its page whole, as one that is not there
        return None

    return load


def base_href(data: bytes) -> str:
    """The first `<base href>` of a page, or ""; only its first 64 KB are looked at."""
    head = data[:65536]
    if b"<base" not in head.lower():
        return ""
    node = LexborHTMLParser(head).css_first("base[href]")
    href = (node.attributes.get("href") or "").strip() if node else ""
    return href if _split(href) else ""


def _split(url: str):
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _join(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return url
