"""Questions that are composed by rule from real pages, each with the one page that answers it, the answer, and the query that should be asked.

Their answers are places in menus, keys and numbers that nobody knows who has not read the page: of the GIMP manual where a command is in the menus
and which keys call it, of SasView's documentation what a parameter of a model is by default. Questions with an image show a window as it is in the
*German* manual: the page that is asked about has the same window in English, so that no file of the web is the one that is shown.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from limner.corpus.pixels import thumbnail
from limner.curate.steps import title
from limner.document import Document, markup
from limner.errors import MediaError
from limner.sources.datasets import dataset

MENU, KEYS, DEFAULT, SHOWN_MENU, SHOWN_NAME = "menu", "keys", "default", "shown-menu", "shown-name"
KINDS = (MENU, KEYS, DEFAULT, SHOWN_MENU, SHOWN_NAME)
SHOWN = (SHOWN_MENU, SHOWN_NAME)

_GIMP, _GERMAN, _SASVIEW = "gimp-help-en", "gimp-help-de", "sasview"
_ASKED = {
    MENU: (
        "I keep losing the {thing} command of GIMP. Which menu do I have to open to get at it?",
        "In which menu of GIMP is {thing}?",
        "A friend told me that {thing} in GIMP is what I need. Through which menus do I reach it?",
    ),
    KEYS: (
        "My mouse is broken and I have a photo to finish. Which keys do I press in GIMP for {thing}?",
        "What is the keyboard shortcut of {thing} in GIMP?",
    ),
    DEFAULT: (
        "I am fitting my data with the {thing} model of SasView. What does {parameter} start from if I leave it alone?",
        "What is the default value of {parameter} in SasView's {thing} model?",
    ),
    SHOWN_MENU: (
        "My GIMP speaks German. Through which menus of the English one do I get to what this picture shows?",
        "Which menu of GIMP leads to what is seen in this screenshot?",
    ),
    SHOWN_NAME: (
        "What is this, which I have only seen in a German GIMP, called in English?",
        "A colleague sent me this picture of her screen. What is it called in the English manual of GIMP?",
    ),
}
_QUERIES = {
    MENU: "GIMP {thing} menu",
    KEYS: "GIMP {thing} keyboard shortcut",
    DEFAULT: "SasView {thing} model {parameter} default value",
    SHOWN_MENU: "GIMP {thing} menu",
    SHOWN_NAME: "GIMP {thing}",
}
_PATH = re.compile(r"\b(?:File|Edit|Select|View|Image|Layer|Colors|Tools|Filters|Windows|Help)(?:\s*→\s*[^→,.;:…()\n]{1,40})+")
_KEY = r"(?:(?:Shift|Ctrl|Alt)\s?\+?\s?)*(?:F\d{1,2}|[A-Z0-9]|Tab|Delete|Page Up|Page Down|Home|End)"
_CALLS = re.compile(rf"keyboard shortcuts?:?\s+({_KEY})(?![\w+])|\b({_KEY})\s+keyboard shortcut")
_HEAD = ("Parameter", "Description", "Units", "Default value")
_OF_ALL = frozenset(("scale", "background"))
_WORDS = re.compile(r"-?\d+(?:\.\d+)?|[^\W_]+")
_LEAST = 64  # pixels a side of a window that is shown
_ANOTHER = 2.0  # mean difference of bytes from which a picture is another


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question: its `kind`, the `document` that answers it, the `thing` it is about, what is asked, with an `image` or without, the `query` that
    should be asked of a search engine, and the `answer`."""

    kind: str
    document: str
    thing: str
    question: str
    query: str
    answer: str
    image: bytes | None = None


def lookups(documents: Iterable[Document], seed: int, most: int) -> list[Lookup]:
    """Up to `most` questions, as many of each kind as there are and may be, none twice about one page; which, and in which words, by the seed."""
    pages = list(documents)
    chance = random.Random(seed)
    windows = _windows([page for page in pages if page.source.startswith(f"{_GIMP}/")])
    known = {kind: list(_facts(pages, kind, windows)) for kind in KINDS}
    for each in known.values():
        chance.shuffle(each)
    told: set[str] = set()
    found: list[Lookup] = []
    # Kinds take turns, those with images first, since there are fewest pages to ask for them.
    while len(found) < most and any(known.values()):
        for kind in reversed(KINDS):
            while known[kind] and len(found) < most:
                document, names, answer, image = known[kind].pop()
                if document not in told:
                    told.add(document)
                    question = chance.choice(_ASKED[kind]).format(**names)
                    query = _QUERIES[kind].format(**names)
                    found.append(Lookup(kind, document, names["thing"], question, query, answer, image))
                    break
    return found


Fact = tuple[str, dict[str, str], str, bytes | None]
"""A document, the names that a question about it has, the answer, the image it is asked with."""


def _facts(pages: Sequence[Document], kind: str, windows: Mapping[str, bytes]) -> Iterator[Fact]:
    ours = [page for page in pages if page.source.startswith(f"{_SASVIEW if kind == DEFAULT else _GIMP}/")]
    if kind == DEFAULT:
        for page in ours:
            if row := _default(page):
                parameter, value = row
                yield page.id, {"thing": title(page), "parameter": parameter}, value, None
        return
    for page in ours:
        names = {"thing": title(page)}
        path = menu(page)
        # The path's end is the name, which the question gives away.
        above = path.rpartition(" → ")[0]
        if kind == MENU and path:
            yield page.id, names, above, None
        elif kind == KEYS and (called := keys(page)):
            yield page.id, names, called, None
        elif kind in SHOWN and path and page.id in windows:
            yield page.id, names, above if kind == SHOWN_MENU else names["thing"], windows[page.id]


def menu(page: Document) -> str:
    """Where the command that a page is about is in the menus, "" where it does not say so: the path's end is the page's name."""
    name = _bare(title(page))
    for text in page.texts:
        for match in _PATH.finditer(text.text):
            path = " → ".join(piece.strip() for piece in match[0].split("→"))
            if name and _bare(path.rpartition("→")[2]) == name:
                return path
    return ""


def keys(page: Document) -> str:
    """The keys that call what a page is about, "" where it names none, or several."""
    named = {
        "+".join(re.findall(r"Shift|Ctrl|Alt|F\d{1,2}|Tab|Delete|Page Up|Page Down|Home|End|[A-Z0-9]", match[1] or match[2]))
        for text in page.texts
        for match in _CALLS.finditer(text.text)
    }
    return named.pop() if len(named) == 1 else ""


def _default(page: Document) -> tuple[str, str] | None:
    """A parameter of the model that a page is about, and its default: the first that not all models have."""
    for text in page.texts:
        found = markup.table(text.text) if text.role == "table" else None
        if found and found.head == _HEAD:
            own = [row for row in found.rows if row[0] not in _OF_ALL and row[0] and row[3]]
            # Values that stand for many parameters at once could be had by guessing.
            own = [row for row in own if row[3] not in ("0", "1")] or own
            return (own[0][0], own[0][3]) if own else None
    return None


def _windows(pages: Sequence[Document]) -> dict[str, bytes]:
    """For each page its first window that the German manual has in German, which no other page shows."""
    english, german = dataset(_GIMP).data, dataset(_GERMAN).data
    if not dataset(_GERMAN).here:
        return {}
    uses: dict[str, int] = {}
    for page in pages:
        for url in {image.url for image in page.images}:
            uses[url] = uses.get(url, 0) + 1
    found: dict[str, bytes] = {}
    for page in pages:
        for image in page.images:
            ours, theirs = english / image.url, german / image.url
            if image.ref and uses[image.url] == 1 and min(image.width, image.height) >= _LEAST and _apart(ours, theirs):
                found[page.id] = theirs.read_bytes()
                break
    return found


def _apart(one: Path, other: Path) -> bool:
    """Whether two files are pictures that differ to the eye."""
    if not (one.is_file() and other.is_file()) or one.read_bytes() == other.read_bytes():
        return False
    try:
        first, second = thumbnail(one.read_bytes(), 128), thumbnail(other.read_bytes(), 128)
    except MediaError:
        return False
    return first.shape != second.shape or float(np.abs(first.astype(int) - second.astype(int)).mean()) > _ANOTHER


def _bare(text: str) -> str:
    return " ".join(said(text)).removesuffix(" legacy")


def said(text: str) -> list[str]:
    """The words and numbers of a text in lower case, without marks. Articles stay: the A of Ctrl+A is none.

    >>> said("The Crop tool: Shift+C, -0.5")
    ['the', 'crop', 'tool', 'shift', 'c', '-0.5']
    """
    return _WORDS.findall(text.lower())
