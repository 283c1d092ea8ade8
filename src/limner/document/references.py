"""Which paragraphs speak of which figure or table, by their numbers.

A caption begins with a kind and a number ("Figure 3.2: …", "Abb. 4", "Tableau 1 – …"); a paragraph mentions them ("as Fig. 3a shows",
"Figures 3 and 4", "Tables 2–4"). Nothing is guessed: what bears no number is cited by nobody here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from limner.document.document import Document
from limner.document.parts import Text

_FIGURE = r"fig(?:ure|ura|\.)?s?\.?|figs\.|figuras?|abb(?:ildung(?:en)?|\.)|рис(?:унк\w*|\.)|図"
_TABLE = r"tab(?:les?|leaux|leau|ellen?|las?|\.)|tbl\.|табл(?:иц\w*|\.)|表"
_NUMBER = r"(?:[A-Z]\.?)?\d{1,3}(?:[.\-]\d{1,3}){0,3}|[IVXL]{1,6}(?![^\W\d_])"
_PART = r"\s?\(?[a-h]\)?(?![^\W\d_])"
_ONE = rf"(?:{_NUMBER})(?:{_PART})?"
_MENTION = re.compile(
    rf"(?<![^\W\d_])(?:(?P<figure>{_FIGURE})|(?P<table>{_TABLE}))[\s\u00a0~]*(?P<numbers>{_ONE}(?:\s*(?:,|;|and|und|et|y|e|и|to|bis|à|&|–|—|-)\s*(?:and\s+|und\s+|et\s+)?{_ONE})*)",
    re.IGNORECASE,
)
_EACH = re.compile(rf"(?P<to>(?:–|—|-|\bto\b|\bbis\b|à)\s*)?(?P<number>{_NUMBER})")
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50}
_MOST = 200  # numbers that a range may span
_MOST_TEXT = 1_000_000  # characters of a text that are looked at
_SPEAKS = ("paragraph", "list", "quote", "note", "caption", "table")


def references(document: Document) -> dict[int, tuple[int, ...]]:
    """The `n` of every image or table with a numbered caption, and the `n` of the texts that mention its number, in order.

    A caption is a text that belongs to a part (`of`), or one of the role `caption` that stands alone: it then numbers the table or image
    next to it. Where a number is given twice (each chapter counting anew), a mention means the nearest in the document.

    >>> from limner.document import Document, Image, Text
    >>> references(Document("d", (Text(0, "See Fig. 2b."), Image(1), Text(2, "Figure 2: A lens.", "caption", of=1))))
    {1: (0,)}
    """
    numbered = _numbered(document)
    places: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for at, key, n in numbered:
        places.setdefault(key, []).append((at, n))
    cited: dict[int, list[int]] = {n: [] for _, _, n in numbered}
    own = {(id_of, n) for id_of, n in _captions(document)}
    for at, part in enumerate(document.parts):
        if not isinstance(part, Text) or part.role not in _SPEAKS:
            continue
        for key in mentions(part.text):
            if found := places.get(key):
                _, n = min(found, key=lambda place: abs(place[0] - at))
                if part.n not in cited[n] and (part.n, n) not in own and part.n != n:
                    cited[n].append(part.n)
    return {n: tuple(by) for n, by in cited.items()}


def mentions(text: str) -> list[tuple[str, str]]:
    """The figures and tables that a text mentions: kinds ("figure", "table") and numbers, ranges spelled out, parts ("3a") as their whole.

    >>> mentions("Figures 3a and 5–7, Tab. II")
    [('figure', '3'), ('figure', '5'), ('figure', '6'), ('figure', '7'), ('table', '2')]
    """
    out: list[tuple[str, str]] = []
    for match in _MENTION.finditer(text[:_MOST_TEXT]):
        kind = "figure" if match["figure"] else "table"
        last = ""
        for each in _EACH.finditer(match["numbers"]):
            number = normal(each["number"])
            if each["to"] and last.isdigit() and number.isdigit() and int(last) < int(number) <= int(last) + _MOST:
                out += [(kind, str(i)) for i in range(int(last) + 1, int(number))]
            out.append((kind, number))
            last = number
    return list(dict.fromkeys(out))


def normal(number: str) -> str:
    """A number without leading zeros and in digits: "III" is "3", "A.2" and "A2" are one."""
    number = number.upper()
    if number and all(c in _ROMAN for c in number):
        values = [_ROMAN[c] for c in number]
        return str(sum(-v if i + 1 < len(values) and v < values[i + 1] else v for i, v in enumerate(values)))
    pieces = re.findall(r"[A-Z]|\d+", number)
    return ".".join(p.lstrip("0") or "0" if p.isdigit() else p for p in pieces)


def _captions(document: Document) -> Iterator[tuple[int, int]]:
    """Captions and what they belong to, by `n`."""
    parts = document.parts
    there = {part.n for part in parts}
    for at, part in enumerate(parts):
        if not isinstance(part, Text):
            continue
        if part.of is not None and part.of in there:
            yield part.n, part.of
        elif part.of is None and part.role == "caption":
            # A caption of a table stands above it, as a rule; one of a picture below.
            for near in (at + 1, at - 1):
                other = parts[near] if 0 <= near < len(parts) else None
                if other is not None and (not isinstance(other, Text) or other.role in ("table", "code", "formula")):
                    yield part.n, other.n
                    break


def _numbered(document: Document) -> list[tuple[int, tuple[str, str], int]]:
    """Where each numbered caption stands, its kind and number, and the part it numbers."""
    place = {part.n: at for at, part in enumerate(document.parts)}
    out: list[tuple[int, tuple[str, str], int]] = []
    for n, of in _captions(document):
        part = document.parts[place[n]]
        found = _MENTION.match(part.text.lstrip()) if isinstance(part, Text) else None
        if found:
            each = _EACH.search(found["numbers"])
            if each:
                out.append((place[of], ("figure" if found["figure"] else "table", normal(each["number"])), of))
    return out
