"""What a SOURCE on the command line means."""

from __future__ import annotations

import difflib
import itertools
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypedDict, cast
from urllib.parse import urlsplit

from limner.errors import ExpertError, SourceError
from limner.experts.address import check
from limner.sources.datasets import dataset
from limner.sources.fetch import FetchSettings
from limner.sources.files import FolderSource
from limner.sources.kinds import HEAD, recognise
from limner.sources.many import ManySources
from limner.sources.package import PackageSource
from limner.sources.sitemap import MAX_BYTES, parse_sitemap
from limner.sources.source import Source
from limner.sources.urls import SitemapSource, UrlSource
from limner.sources.warc import WarcSource, is_warc

KNOWN = (
    "a folder, an HTML or WARC file, the URL of a page, sitemap or WARC, a list of URLs (@FILE), "
    "pip:NAME==VERSION#folder or data:NAME"
)

Fetch = FetchSettings | Mapping[str, Any] | None


class _Who(TypedDict):
    """Which models read."""

    extractor: str
    experts: Mapping[str, str]


def source(
    text: str, *, extractor: str = "bundled:lexbor", fetch: Fetch = None, experts: Mapping[str, str] | None = None
) -> Source:
    """The source that `text` names.

    An existing folder or file; the URL of a page, a sitemap (a last step that ends in `.xml` or `.xml.gz` or has
    `sitemap` in it) or a WARC; `@FILE` or a `.txt` file with URLs; `pip:NAME==VERSION#folder`; `data:NAME`. `fetch` are
    the fetcher's settings, also as a mapping (from a plan), `experts` the models that readers may ask (`Page.experts`). Raises
    `SourceError` saying what it could be where it is none of them."""
    settings = fetch_settings(fetch)
    who: _Who = {"extractor": extractor, "experts": dict(experts or {})}
    if not text:
        raise SourceError(f"an empty name is no source; a source is {KNOWN}")
    if text.startswith("pip:"):
        return PackageSource(text, **who)
    if text.startswith("data:"):
        found = dataset(text[5:])
        if not found.here:
            raise SourceError(f"{text}: not on this machine yet; run: limner data get {found.name}")
        return FolderSource(str(found.data), **who, label=found.name)
    if text.startswith("@"):
        if not os.path.isfile(text[1:]):
            raise SourceError(f"{text[1:]}: no such file of URLs")
        return UrlSource(file=text[1:], settings=settings, **who)
    if "://" in text:
        return _remote(text, who, settings)
    # The shell does this on a command line, nobody in a plan.
    text = os.path.expanduser(text)
    if os.path.isdir(text):
        return _folder(text, who)
    if os.path.isfile(text):
        return _file(text, who, settings)
    raise SourceError(f"{text}: no such file or folder; a source is {KNOWN}")


def check_settings(given: Mapping[str, Any]) -> None:
    """Raises `SourceError` for settings that `source` does not take, as a plan's [source] has them."""
    for name, value in given.items():
        if name not in ("extractor", "fetch", "experts"):
            place = "; it stands in [source.fetch]" if name in _FETCH else ""
            raise SourceError(
                f"[source] has no setting {name!r}{place or '; there are extractor and the tables fetch and experts'}"
            )
        if name == "fetch":
            fetch_settings(value)
        elif name == "experts":
            _check_experts(value)
        elif not isinstance(value, str):
            raise SourceError(f"[source] extractor is {value!r}, not an address such as 'bundled:lexbor'")


def _check_experts(given: Any) -> None:
    if not isinstance(given, Mapping):
        raise SourceError(f"experts is {given!r}, not a table of ports and addresses, as in ocr = 'bundled:rapidocr'")
    for port, address in cast("Mapping[str, Any]", given).items():
        try:
            check(port, str(address))
        except ExpertError as error:
            raise SourceError(f"experts: {error}") from None


def fetch_settings(given: Fetch) -> FetchSettings:
    """The settings that a mapping of them means; raises `SourceError` naming a setting there is not, or of the wrong
    type."""
    if given is None or isinstance(given, FetchSettings):
        return given or FetchSettings()
    if not isinstance(given, Mapping):  # type: ignore[reportUnnecessaryIsInstance]
        raise SourceError(f"fetch is {given!r}, not a table of settings: {', '.join(_FETCH)}")
    for name, value in given.items():
        if name not in _FETCH:
            near = difflib.get_close_matches(name, _FETCH, n=1)
            raise SourceError(
                f"fetch has no setting {name!r}"
                + (f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(_FETCH)}")
            )
        kinds: dict[type, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (int, float), str: (str,)}
        allowed = kinds.get(type(_FETCH[name]), (int, float))
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise SourceError(f"fetch.{name} is {value!r}, not of type {allowed[-1].__name__}")
    return FetchSettings(**given)


_FETCH = asdict(FetchSettings())


def _remote(url: str, who: _Who, settings: FetchSettings) -> Source:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise SourceError(f"{url}: not a URL ({error})") from None
    last = parts.path.rpartition("/")[2].lower()
    if is_warc(last):
        return WarcSource(url, **who, allow_private=settings.allow_private)
    if parts.scheme not in ("http", "https"):
        raise SourceError(f"{url}: only WARC files are read from {parts.scheme}:// addresses; a source is {KNOWN}")
    if last.endswith((".xml", ".xml.gz")) or "sitemap" in last:
        return SitemapSource(url=url, settings=settings, **who)
    return UrlSource(urls=(url,), settings=settings, **who)


def _folder(path: str, who: _Who) -> Source:
    pages = FolderSource(path, **who)
    warc = any(is_warc(name) for _, _, names in os.walk(path) for name in names)
    if not warc:
        return pages
    records = WarcSource(path, **who)
    return ManySources((pages, records)) if next(iter(pages.inputs()), None) else records


def _file(path: str, who: _Who, settings: FetchSettings) -> Source:
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
            kind = recognise(head, path)
            if kind == "warc" or (is_warc(path) and kind in ("gzip", "")):
                return WarcSource(path, **who)
            if kind == "sitemap":
                data = head + file.read(MAX_BYTES)
                urls = tuple(url for url, _ in parse_sitemap(data).pages)
                return UrlSource(urls=urls, settings=settings, **who)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    if kind == "text":
        lines = (line.strip() for line in head.decode("utf-8-sig", "replace").splitlines())
        first = next(itertools.filterfalse(lambda line: not line or line.startswith("#"), lines), "")
        if first.startswith(("http://", "https://")):
            return UrlSource(file=path, settings=settings, **who)
        raise SourceError(f"{path}: a text file that is not a list of URLs; a source is {KNOWN}")
    return FolderSource(path, **who)
