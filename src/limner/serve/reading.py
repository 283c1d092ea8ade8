"""A document as a page shows it: its body, with what was dropped in its place when asked, its facts, its ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlsplit

from markupsafe import Markup

from limner.corpus.trace import Event, figures
from limner.document import Document, Part, Text
from limner.document.formula import mathml
from limner.document.html import Style, blocks
from limner.serve.site import Site


@dataclass(frozen=True)
class Run:
    """Parts in a row with one fate: kept (`step` is ""), or dropped by one step for one reason."""

    html: list[Markup]
    n: int
    count: int
    step: str = ""
    reason: str = ""
    measured: str = ""


@dataclass(frozen=True)
class Taken:
    """What one step did to a document for one reason."""

    step: str
    action: str
    reason: str
    count: int
    whole: bool
    measured: str
    detail: str
    n: int


def style(site: Site, at: int = -1) -> Style:
    """Media from this server, formulas as MathML; the part `at` is marked, and a link can lead to it."""

    def source(part: Part) -> str:
        ref = "" if isinstance(part, Text) else part.ref
        return f"/media/{ref}" if site.stored(ref) else ""

    def wrap(part: Part, html: Markup) -> Markup:
        return Markup('<div class="at" id="at">{}</div>').format(html) if part.n == at else html

    return Style(source, mathml, wrap)


def runs(document: Document, gone: Sequence[tuple[Event, Part]], site: Site, at: int = -1) -> Iterator[Run]:
    """The body; `gone` parts stand where their ordinals say they stood."""
    how = style(site, at)
    for event, group in groupby(_woven(document.parts, gone), key=lambda pair: _key(pair[0])):
        pairs = list(group)
        parts = [part for _, part in pairs]
        html = list(blocks(parts, how))
        if event is None:
            yield Run(html, parts[0].n, len(parts))
        else:
            yield Run(html, parts[0].n, len(parts), *event, _measured([e for e, _ in pairs if e]))


def _key(event: Event | None) -> tuple[str, str] | None:
    return (event.step, event.reason) if event else None


def _woven(kept: Sequence[Part], gone: Sequence[tuple[Event, Part]]) -> Iterator[tuple[Event | None, Part]]:
    there = {part.n for part in kept}
    waiting = [(event, part) for event, part in gone if part.n not in there]
    at = 0
    for part in kept:
        while at < len(waiting) and waiting[at][1].n < part.n:
            yield waiting[at]
            at += 1
        yield None, part
    yield from waiting[at:]


def _measured(events: Sequence[Event]) -> str:
    values = [event.value for event in events if event.value is not None]
    limits = {event.threshold for event in events if event.threshold is not None}
    limit = f" against a threshold of {min(limits):.4g}" if len(limits) == 1 else ""
    if not values:
        return ""
    low, high = min(values), max(values)
    return figures(low, next(iter(limits), None)) if low == high else f"{low:.4g} to {high:.4g}{limit}"


def taken(events: Sequence[Event]) -> list[Taken]:
    """The ledger of a document, a line a step, reason and action: drops first, in the order of the steps."""
    groups: dict[tuple[int, int, str, str, str], list[Event]] = {}
    for event in events:
        key = (event.action != "drop", event.nth, event.step, event.reason, event.action)
        groups.setdefault(key, []).append(event)
    out: list[Taken] = []
    for (_, _, step, reason, action), found in sorted(groups.items(), key=lambda item: item[0]):
        details = list(dict.fromkeys(event.detail for event in found if event.detail))
        detail = details[0] if len(details) == 1 else ""
        whole = any(event.part < 0 for event in found)
        out.append(Taken(step, action, reason, len(found), whole, _measured(found), detail, min(e.part for e in found)))
    return out


@dataclass(frozen=True)
class Heading:
    """What to print above a document: its title, the name of its site where the title carries it, and whether its own
    first heading says the title already."""

    title: str
    site: str = ""
    repeated: bool = False


# Between a page's own title and its site's: "Fitting — SasView 6.1 documentation".
_BETWEEN = re.compile(r"\s*(?:[—–|·»:•]|\s-\s|::)\s*(.+)\Z", re.DOTALL)


# Formulas as pages write them into their <title>, and as the extractor writes them.
_TEX = re.compile(r"\\\((.{1,200}?)\\\)|\\\[(.{1,200}?)\\\]|(?<![\\$])\$(?=[^\s$])([^$\n]{1,200}?)(?<=[^\s\\])\$(?![\d$])")


def heading(document: Document) -> Heading:
    """The title as plain text: without the name of the site where the first heading shows which part of it that is, and with
    formulas without their delimiters.

    >>> heading(Document("a", (Text(0, "Fitting", "heading", 1),), title="Fitting — SasView 6.1")).site
    'SasView 6.1'
    >>> heading(Document("a", (Text(0, "Using $P(Q)$", "heading", 1),), title=r"Using \\(P(Q)\\) — SasView 6.1")).title
    'Using P(Q)'
    """
    first = next((part for part in document.parts if isinstance(part, Text)), None)
    own = _plain(first.text) if first and first.role == "heading" else ""
    title = _plain(document.title)
    if not title:
        said = own or (" ".join(first.text[:400].split())[:120] if first else "")
        return Heading(said or document.id, repeated=bool(own))
    if own and _flat(own) == _flat(title):
        return Heading(title, repeated=True)
    if own and title.casefold().startswith(own.casefold()) and (match := _BETWEEN.match(title[len(own) :])):
        return Heading(own, match[1], True)
    return Heading(title)


def _plain(text: str) -> str:
    return _TEX.sub(lambda found: next(filter(None, found.groups())), " ".join(text.split()))


def _flat(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def excerpt(document: Document, length: int = 240) -> str:
    """The beginning of its running text, without headings."""
    said: list[str] = []
    size = 0
    for part in document.parts:
        if isinstance(part, Text) and part.role in ("paragraph", "list", "quote"):
            text = " ".join(part.text[: 2 * length].split())
            said.append(text)
            size += len(text)
            if size > length:
                break
    whole = " ".join(said)
    return whole if len(whole) <= length else whole[:length].rsplit(" ", 1)[0] + " …"


def web_link(url: str) -> str:
    """The URL where following it is safe (http and https), else ""."""
    try:
        pieces = urlsplit(url)
    except ValueError:
        return ""
    return url if pieces.scheme in ("http", "https") and pieces.netloc else ""
