"""Machine-readable reservations: what a page or its server says about use for training and mining.

`noai` and `noimageai` in X-Robots-Tag headers and robots meta tags (a convention begun by DeviantArt, respected by
img2dataset and others), and the TDM Reservation Protocol (TDMRep, W3C community group report): `tdm-reservation` as a
header, a meta tag, or in `/.well-known/tdmrep.json`. Where several speak, TDMRep lets the page override the header and
the header the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from selectolax.lexbor import LexborHTMLParser

HEAD = 262_144
"""How many bytes of a page are searched for meta tags."""


@dataclass(frozen=True, slots=True)
class Rights:
    """`reason` is why the page is not to be used at all, or ""; `no_images`, that its images are not."""

    reason: str = ""
    no_images: bool = False


FREE = Rights()

_SIGNS = (b"noai", b"noimageai", b"tdm-reservation")


def rights(
    headers: Mapping[str, str], page: bytes = b"", *, agent: str = "limner", image: bool = False, tdm: bool | None = None
) -> Rights:
    """What a response reserves. `headers` has lower-case names (several of one name joined with commas), `page` the
    bytes of an HTML page or none, `tdm` what the site's tdmrep.json says of the URL (None: nothing). `image` says
    that the response is an image, to which `noimageai` applies whole.

    >>> rights({"x-robots-tag": "noindex, noai"}).reason
    'noai (X-Robots-Tag)'
    >>> rights({}, b'<meta name=robots content="noimageai">')
    Rights(reason='', no_images=True)
    """
    tags = dict.fromkeys(robots_tags(headers.get("x-robots-tag", ""), agent), "X-Robots-Tag")
    reserved = _flag(headers.get("tdm-reservation", ""))
    tdm, where = (tdm, "tdmrep.json") if reserved is None else (reserved, "header")
    # Lower case and plain search are much faster than a pattern, and nearly no page gets further than this.
    head = page[:HEAD].lower()
    if any(sign in head for sign in _SIGNS):
        for name, content in _metas(page[:HEAD]):
            if name in ("robots", agent.lower()):
                tags |= dict.fromkeys(re.split(r"[\s,]+", content.lower()), "meta robots")
            elif name == "tdm-reservation" and (flag := _flag(content)) is not None:
                tdm, where = flag, "meta"
    if "noai" in tags:
        return Rights(f"noai ({tags['noai']})", True)
    if tdm:
        return Rights(f"tdm-reservation ({where})", True)
    if image and "noimageai" in tags:
        return Rights(f"noimageai ({tags['noimageai']})", True)
    return Rights("", True) if "noimageai" in tags else FREE


def robots_tags(value: str, agent: str) -> set[str]:
    """The directives of X-Robots-Tag headers that are for everybody or for `agent`.

    >>> sorted(robots_tags("googlebot: noindex, limner: noai, nofollow", "limner"))
    ['noai', 'nofollow']
    """
    found: set[str] = set()
    mine = True
    for item in value.lower().split(","):
        name, colon, rest = item.strip().partition(":")
        if colon and name.strip() not in ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"):
            # A name holds for the directives after it, until the next name.
            mine, item = name.strip() in (agent.lower(), "*"), rest
        if mine:
            found.add(item.strip())
    return found


def _flag(value: str) -> bool | None:
    value = value.strip()
    return True if value.startswith("1") else False if value.startswith("0") else None


def _metas(head: bytes) -> Iterable[tuple[str, str]]:
    for node in LexborHTMLParser(head).css("meta[name][content]"):
        attributes = node.attributes
        yield (attributes.get("name") or "").strip().lower(), attributes.get("content") or ""


@dataclass(frozen=True, slots=True)
class TdmRules:
    """The rules of a site's tdmrep.json: patterns of paths and whether those are reserved."""

    rules: tuple[tuple[str, bool], ...] = ()

    def reserved(self, path: str) -> bool | None:
        """Whether `path` (with its query) is reserved: by the longest pattern that matches it, and among equals by
        one that reserves; None where no pattern matches."""
        found = [(len(pattern), flag) for pattern, flag in self.rules if _matches(pattern, path)]
        return max(found)[1] if found else None


def tdm_rules(data: bytes) -> TdmRules:
    """The rules in a tdmrep.json; what is not in its form is passed over.

    >>> rules = tdm_rules(b'[{"location": "/photos/*", "tdm-reservation": 1}, {"location": "/", "tdm-reservation": 0}]')
    >>> rules.reserved("/photos/a.jpg"), rules.reserved("/text"), tdm_rules(b"<html>").reserved("/")
    (True, False, None)
    """
    try:
        rules: Any = json.loads(data)
    except (ValueError, RecursionError):
        return TdmRules()
    if isinstance(rules, dict):
        rules = [rules]
    if not isinstance(rules, list):
        return TdmRules()
    out: list[tuple[str, bool]] = []
    for rule in cast("list[object]", rules)[:1000]:
        if isinstance(rule, dict):
            entry = cast("dict[str, object]", rule)
            location, flag = entry.get("location"), _flag(str(entry.get("tdm-reservation", "")))
            if isinstance(location, str) and len(location) <= 2000 and flag is not None:
                out.append((location, flag))
    return TdmRules(tuple(out))


def _matches(pattern: str, path: str) -> bool:
    """RFC 9309 matching: from the start, `*` any run, `$` at the end the end. Greedy by pieces, so never slow."""
    end = pattern.endswith("$")
    first, *rest = (pattern[:-1] if end else pattern).split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if not rest:
        return not end or at == len(path)
    last = rest.pop() if end else ""
    for piece in rest:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return not end or (path.endswith(last) and len(path) - len(last) >= at)
