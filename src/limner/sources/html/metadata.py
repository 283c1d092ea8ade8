"""What a page says about itself: title, language, canonical address, date, author, site, licence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from limner.sources.html.tags import ID

_META, _LINK, _TITLE, _BASE, _SCRIPT = (ID[t] for t in ("meta", "link", "title", "base", "script"))
_DATES = (
    "article:published_time", "datepublished", "date", "dc.date", "dc.date.issued", "dcterms.date", "dcterms.created", "pubdate",
    "publishdate", "publish-date", "publication_date", "citation_publication_date", "sailthru.date", "parsely-pub-date",
    "og:published_time", "article:modified_time", "og:updated_time", "last-modified",
)  # fmt: skip
_AUTHORS = ("author", "article:author", "dc.creator", "dcterms.creator", "citation_author", "parsely-author", "sailthru.author")
_LANGUAGES = ("content-language", "og:locale", "dc.language", "language")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?)?")
_WRITTEN = ("%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y", "%Y/%m/%d", "%Y%m%d", "%b. %d, %Y")
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*\Z")
_JSON_DATE = re.compile(r'"datePublished"\s*:\s*"([^"]{4,40})"')
_JSON_AUTHOR = re.compile(r'"author"\s*:\s*\[?\s*\{[^{}]{0,400}?"name"\s*:\s*"([^"]{1,120})"')
_HEAD_MAX = 2000
_TEXT_MAX = 1000


@dataclass(slots=True)
class Metadata:
    """What was found; "" where nothing was. `base` is what relative addresses are resolved against."""

    title: str = ""
    language: str = ""
    canonical: str = ""
    base: str = ""
    date: str = ""
    author: str = ""
    site: str = ""
    license: str = ""

    def meta(self) -> dict[str, str]:
        """The fields that go into `Document.meta`, those that are not empty."""
        found = {"date": self.date, "author": self.author, "site": self.site, "license": self.license}
        return {key: value for key, value in found.items() if value}


def metadata(tree: LexborHTMLParser, url: str) -> Metadata:
    """Read the head of a page that was fetched from `url` ("" where that is not known)."""
    out = Metadata(base=url)
    root = tree.root
    if root is None:
        return out
    names: dict[str, str] = {}
    titles: list[str] = []
    scripts: list[LexborNode] = []
    head = tree.head
    if head is not None:
        _read_head(head, names, titles, scripts, out)
    if out.base != url:
        out.base = _join(url, out.base)
    out.title = _clean(titles[0] if titles else "") or names.get("og:title", "") or names.get("twitter:title", "")
    if not out.title and (heading := tree.css_first("h1")) is not None:
        out.title = _clean(heading.text() or "")
    attributes = root.attributes
    out.language = language_tag(attributes.get("lang") or attributes.get("xml:lang") or "") or next(
        (tag for name in _LANGUAGES if (tag := language_tag(names.get(name, "")))), ""
    )
    out.canonical = _canonical(out.canonical or names.get("og:url", ""), out.base, url)
    out.date = next((date for name in _DATES if name in names and (date := iso_date(names[name]))), "")
    out.author = next((names[n] for n in _AUTHORS if names.get(n) and "://" not in names[n]), "")
    out.site = names.get("og:site_name", "") or names.get("application-name", "")
    if out.license:
        out.license = _join(out.base, out.license)
    if not (out.date and out.author):
        _from_scripts(scripts, out)
    return out


def _read_head(head: LexborNode, names: dict[str, str], titles: list[str], scripts: list[LexborNode], out: Metadata) -> None:
    node = head.first_child
    for _ in range(_HEAD_MAX):
        if node is None:
            break
        tag = node.tag_id
        if tag == _META:
            get = node.attributes.get
            name = get("property") or get("name") or get("itemprop") or get("http-equiv")
            content = get("content")
            if name and content:
                names.setdefault(name.lower()[:60], _clean(content))
        elif tag == _LINK:
            get = node.attributes.get
            rel = (get("rel") or "").lower()
            if rel == "canonical":
                out.canonical = out.canonical or (get("href") or "").strip()
            elif "license" in rel.split():
                out.license = out.license or (get("href") or "").strip()
        elif tag == _TITLE:
            titles.append(node.text() or "")
        elif tag == _BASE and not titles[1:]:
            out.base = (node.attributes.get("href") or "").strip() or out.base
        elif tag == _SCRIPT and node.attributes.get("type") == "application/ld+json":
            scripts.append(node)
        node = node.next


def _from_scripts(scripts: list[LexborNode], out: Metadata) -> None:
    for script in scripts:
        text = (script.text() or "")[:200_000]
        if not out.date and (match := _JSON_DATE.search(text)):
            out.date = iso_date(match.group(1))
        if not out.author and (match := _JSON_AUTHOR.search(text)) and "\\" not in match.group(1):
            out.author = match.group(1)


def iso_date(text: str) -> str:
    """A date as ISO 8601, with its time where there is one; "" for what is not a date.

    >>> iso_date("Tue, 03 Jun 2008 11:05:30 GMT"), iso_date("March 5, 2021"), iso_date("soon")
    ('2008-06-03T11:05:30+00:00', '2021-03-05', '')
    """
    text = text.strip()[:60]
    if match := _ISO.match(text):
        year, month, day, clock, zone = match.groups()
        try:
            date = datetime(int(year), int(month), int(day)).date().isoformat()
        except ValueError:
            return ""
        return date + (f"T{clock}{'+00:00' if zone == 'Z' else zone or ''}" if clock else "")
    for form in _WRITTEN:
        try:
            return datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(text).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def language_tag(text: str) -> str:
    """A BCP 47 tag in its usual case, or "".

    >>> language_tag("en_us"), language_tag("zh-hant"), language_tag("English")
    ('en-US', 'zh-Hant', '')
    """
    first = text.split(",")[0].strip()
    if not _TAG.match(first) or len(first) > 20:
        return ""
    head, *rest = first.replace("_", "-").split("-")
    rest = [p.upper() if len(p) == 2 else p.title() if len(p) == 4 and p.isalpha() else p.lower() for p in rest]
    return "-".join([head.lower(), *rest])


def _canonical(href: str, base: str, url: str) -> str:
    if not href:
        return url
    resolved = _join(base, href)
    if not resolved.startswith(("http://", "https://")):
        return url
    return resolved if not url or _host(resolved) == _host(url) else url


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _join(base: str, href: str) -> str:
    try:
        return urljoin(base, href)
    except ValueError:
        return href


def _clean(text: str) -> str:
    return " ".join(text[: 4 * _TEXT_MAX].split())[:_TEXT_MAX]
