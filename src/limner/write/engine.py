"""A search engine that asks anew, chooses among the pages that it finds, and answers from one.

Jiang et al. 2024, MMSearch, arXiv 2409.12959: a question, which may have an image, becomes a query (*requery*); the index finds pages for it, of
which the one that helps most is chosen by its title, a snippet and what is seen of it (*rerank*); what suits the query is taken out of that page, and
answered from (*summarise*). An image that is asked with is first looked up by itself, as image search does, and what was found is told to each step.

The steps here have no language model; those that ask one are in `limner.write.driven`. Steps take many questions at once, for models that batch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from limner.curate.align import sentences
from limner.curate.steps import image_words, title
from limner.curate.words import stop_words, words
from limner.document import Document, Image, Part, Text, markup
from limner.errors import LimnerError, MediaError
from limner.search import Hit, Search
from limner.search.analysis import kind
from limner.search.searcher import DEPTH
from limner.write.likeness import by_meaning, by_words, likeness

_POINTS = frozenset(("picture", "pictured", "image", "screenshot", "photo", "shown", "shows", "show", "see", "seen", "called"))
_MARK = re.compile(r"\A\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_LONGEST = 600  # characters of a piece
_PIECES = 2_000  # of a page
_NEAR = 32  # of them that are compared by meaning


@dataclass(frozen=True)
class Bounds:
    """`sites` are found for a query, `seen` pictures for an image, `snippet` words stand for a site, `words` are read of the page that is chosen."""

    sites: int = 8
    seen: int = 3
    snippet: int = 60
    words: int = 160


@dataclass(frozen=True, slots=True)
class Seen:
    """What image search says of one picture that is like the one asked with: the title of its page, and its own words."""

    title: str
    words: str
    document: str
    score: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; with an image (the bytes of its file) comes what was `seen` that is like it."""

    question: str
    image: bytes | None = None
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """A page that was found, as a list of results has it; `images` are what is seen of its top."""

    document: str
    title: str
    snippet: str
    url: str = ""
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """What is read of a page: the pieces of its text that suit a query, in their order, and what is seen of it."""

    title: str
    pieces: tuple[str, ...]
    images: tuple[bytes, ...] = ()

    @property
    def text(self) -> str:
        """Its pieces, a line each."""
        return "\n".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Trace:
    """All that happened on the way to an answer. `scores` are the sites', greater where better; `chosen` is the place of the best, -1 where none was
    found; then there is no page, and the answer is ""."""

    asked: Asked
    query: str
    sites: tuple[Site, ...] = ()
    scores: tuple[float, ...] = ()
    chosen: int = -1
    page: Page | None = None
    answer: str = ""


class Requery(Protocol):
    """Makes queries of questions."""

    def requery(self, asked: Sequence[Asked]) -> list[str]:
        """A query for each; "" is taken as the question."""
        ...


class Rerank(Protocol):
    """Says which sites help with a question."""

    def rerank(self, asked: Sequence[Asked], sites: Sequence[Sequence[Site]]) -> list[list[float]]:
        """A number for each site of each question, greater where it helps more."""
        ...


class Summarise(Protocol):
    """Answers from a page."""

    def summarise(self, asked: Sequence[Asked], pages: Sequence[Page]) -> list[str]:
        """An answer to each."""
        ...


class Views(Protocol):
    """What is seen of the pages of a corpus, as files of pictures; see `limner.write.views`."""

    def top(self, document: Document) -> tuple[bytes, ...]:
        """What is seen first."""
        ...

    def whole(self, document: Document) -> tuple[bytes, ...]:
        """All of it, in order."""
        ...


@dataclass(frozen=True)
class ContentWords:
    """The words of a question without stop words; in place of those that point at an image, what the most alike picture's page is called."""

    def requery(self, asked: Sequence[Asked]) -> list[str]:
        """See `Requery`."""
        return [self._one(each) for each in asked]

    def _one(self, asked: Asked) -> str:
        left = stop_words("en") | (_POINTS if asked.image is not None else frozenset())
        kept = [word for word in words(asked.question) if word not in left]
        return " ".join([*kept, *(words(asked.seen[0].title) if asked.seen else ())])


@dataclass(frozen=True)
class Verbatim:
    """The question itself."""

    def requery(self, asked: Sequence[Asked]) -> list[str]:
        """See `Requery`."""
        return [each.question for each in asked]


@dataclass(frozen=True)
class AsFound:
    """The order in which the index found them."""

    def rerank(self, asked: Sequence[Asked], sites: Sequence[Sequence[Site]]) -> list[list[float]]:
        """See `Rerank`: one over the place."""
        return [[1.0 / (place + 1) for place in range(len(each))] for each in sites]


@dataclass(frozen=True)
class Likest:
    """How like the question, with what its image shows by image search, a site's title and snippet are: by words; with the address of an encoder of
    texts by meaning too."""

    text: str = ""

    def rerank(self, asked: Sequence[Asked], sites: Sequence[Sequence[Site]]) -> list[list[float]]:
        """See `Rerank`."""
        return [self._one(each, here) if here else [] for each, here in zip(asked, sites, strict=True)]

    def _one(self, asked: Asked, sites: Sequence[Site]) -> list[float]:
        found = likeness([told(asked)], [f"{site.title}\n{site.snippet}" for site in sites], self.text)
        return [float(value) for value in found[0]]


@dataclass(frozen=True)
class Alike:
    """Another's order, as one over the place, and `weight` times how much that picture of a site which is most like the image asked with is like it:
    by the pixels that the index knows, as a share of the best in the whole corpus, 0 below the best `DEPTH`. A question without an image keeps
    its order."""

    search: Search
    first: Rerank = field(default_factory=AsFound)
    weight: float = 1.0

    def rerank(self, asked: Sequence[Asked], sites: Sequence[Sequence[Site]]) -> list[list[float]]:
        """See `Rerank`."""
        found: list[list[float]] = []
        for each, here, scores in zip(asked, sites, self.first.rerank(asked, sites), strict=True):
            places = {at: place for place, at in enumerate(best_first(scores))}
            alike = self.likeness(each)
            found.append([1.0 / (places[at] + 1) + self.weight * alike.get(site.document, 0.0) for at, site in enumerate(here)])
        return found

    def likeness(self, asked: Asked) -> dict[str, float]:
        """For each document that has one, how alike its most alike picture is; empty where nothing is asked with, or nothing known by pixels."""
        if asked.image is None or not self.search.settings.encoder:
            return {}
        found: dict[str, float] = {}
        for key, score in self.search.rankings("", asked.image, kind="image", most=DEPTH, ways=("pixels",)).get("pixels", ()):
            found.setdefault(self.search.unit(key).document, score)
        return found


@dataclass(frozen=True)
class Quoting:
    """The one piece of a page, a sentence, an item or a row, that is most like the question; with the address of an encoder of texts, by meaning
    too."""

    text: str = ""

    def summarise(self, asked: Sequence[Asked], pages: Sequence[Page]) -> list[str]:
        """See `Summarise`."""
        return ["".join(suiting(each.question, page.pieces, 1, self.text)) for each, page in zip(asked, pages, strict=True)]


class Engine:
    """An index and the three steps. `views` shows pages to steps that see; None leaves texts alone. With `look` false an image that is asked with
    is not looked up."""

    def __init__(
        self,
        search: Search,
        requery: Requery | None = None,
        rerank: Rerank | None = None,
        summarise: Summarise | None = None,
        *,
        views: Views | None = None,
        look: bool = True,
        bounds: Bounds | None = None,
    ) -> None:
        self.search, self.views, self.look = search, views, look
        self.bounds = bounds or Bounds()
        self.requery: Requery = requery or ContentWords()
        self.rerank: Rerank = rerank or AsFound()
        self.summarise: Summarise = summarise or Quoting()

    def answer(self, questions: Sequence[tuple[str, bytes | None]]) -> list[Trace]:
        """The way from each question, with its image or None, to an answer. Raises `LimnerError` where one is empty, `MediaError` for an image that
        does not decode."""
        asked = [self.asked(question, image) for question, image in questions]
        queries = self.queries(asked)
        sites = [self.sites(query) for query in queries]
        scores = self.rerank.rerank(asked, sites)
        chosen = [best_first(each)[0] if each else -1 for each in scores]
        pages = [
            self.page(query, here[at].document) if at >= 0 else None
            for query, here, at in zip(queries, sites, chosen, strict=True)
        ]
        told = [at for at, page in enumerate(pages) if page]
        said = self.summarise.summarise([asked[at] for at in told], [page for page in pages if page])
        answers = dict(zip(told, said, strict=True))
        rows = zip(asked, queries, sites, scores, chosen, pages, strict=True)
        return [
            Trace(each, query, here, tuple(values), best, page, answers.get(at, ""))
            for at, (each, query, here, values, best, page) in enumerate(rows)
        ]

    def queries(self, asked: Sequence[Asked]) -> list[str]:
        """What is searched for: the question where nothing was made of it."""
        return [query.strip() or each.question for each, query in zip(asked, self.requery.requery(asked), strict=True)]

    def asked(self, question: str, image: bytes | None = None) -> Asked:
        """A question, its image looked up where the index knows images by their pixels."""
        question = " ".join(question.split())
        if not question:
            raise LimnerError("there is no question")
        if image is None or not self.look or not self.search.settings.encoder:
            return Asked(question, image)
        found = self.search.find(image=image, kind="image", most=self.bounds.seen)
        return Asked(question, image, tuple(self._seen(hit) for hit in found))

    def _seen(self, hit: Hit) -> Seen:
        document = self.search.document(hit.unit.document)
        own = next((part for part in document.parts if part.n == hit.unit.n), None)
        said = image_words(document, own) if isinstance(own, Image) else ""
        return Seen(title(document) or document.source, said, document.id, hit.score)

    def sites(self, query: str) -> tuple[Site, ...]:
        """The pages that the index finds, each with its passage that was found first."""
        found: dict[str, Site] = {}
        for hit in self.search.find(query, kind="section", most=4 * self.bounds.sites):
            if hit.unit.document not in found and len(found) < self.bounds.sites:
                found[hit.unit.document] = self.site(query, hit.unit.document, hit)
        return tuple(found.values())

    def site(self, query: str, id: str, passage: Hit | None = None) -> Site:
        """A page as a list of results has it: of its passage, or else of the whole page, the pieces that suit the query."""
        document = self.search.document(id)
        pieces = pieces_of(self.search.parts(passage) if passage else document.parts)
        snippet = " ".join(suiting(query, pieces, self.bounds.snippet, of=kind(document.language)))
        images = _viewed(self.views.top, document) if self.views else ()
        return Site(id, title(document) or document.source, snippet, document.url, images)

    def page(self, query: str, id: str) -> Page:
        """What is read of a page for a query."""
        document = self.search.document(id)
        found = suiting(query, pieces_of(document.parts), self.bounds.words, self.search.settings.text, kind(document.language))
        return Page(title(document), tuple(found), _viewed(self.views.whole, document) if self.views else ())


def told(asked: Asked) -> str:
    """A question in words alone: what its image shows is what the most alike picture's page is called."""
    return f"{asked.question} ({asked.seen[0].title})" if asked.seen else asked.question


def best_first(scores: Sequence[float]) -> list[int]:
    """The places of scores, greatest first; of equals the first.

    >>> best_first([0.2, 0.7, 0.7])
    [1, 2, 0]
    """
    return sorted(range(len(scores)), key=lambda at: (-scores[at], at))


def pieces_of(parts: Sequence[Part]) -> list[str]:
    """The sentences, items and rows of tables among parts of a document, in order.

    >>> pieces_of([Text(0, "Crop", "heading", 1), Text(1, "Draw. Press Enter."), Text(2, "| Key | Does |\\n| --- | --- |\\n| C | crops |", "table")])
    ['Draw.', 'Press Enter.', 'Key: C; Does: crops']
    """
    found: list[str] = []
    for part in parts:
        if isinstance(part, Text) and part.role != "heading":
            found += _cut(part)
    return found[:_PIECES]


def suiting(query: str, pieces: Sequence[str], most: int, text: str = "", of: str = "english") -> list[str]:
    """The pieces that are most like a query, in their order: the best, and others while they have no more than `most` words together with it. By
    words; with the address of an encoder of texts those that are likest by words are compared by meaning too.

    >>> suiting("crop an image", ["Save it.", "Crop the image.", "Close the image."], 3)
    ['Crop the image.']
    """
    if not pieces:
        return []
    scores = [float(value) for value in by_words([query], pieces, of)[0]]
    if text:
        near = best_first(scores)[:_NEAR]
        meant = by_meaning([query], [pieces[at] for at in near], text)[0]
        both = {at: scores[at] + float(value) for at, value in zip(near, meant, strict=True)}
        scores = [both.get(at, -1.0) for at in range(len(pieces))]
    taken: list[int] = []
    left = most
    for at in best_first(scores):
        count = len(pieces[at].split())
        if count <= left or not taken:
            taken.append(at)
            left -= count
        if left <= 0:
            break
    return [pieces[at] for at in sorted(taken)]


def _cut(text: Text) -> list[str]:
    """A text in pieces: rows of a table with what heads their cells, items of a list, else sentences."""
    found = markup.table(text.text) if text.role == "table" else None
    if found:
        rows = [zip(found.head, row, strict=True) for row in found.rows]
        pieces = ["; ".join(f"{head}: {cell}" if head else cell for head, cell in row if cell) for row in rows]
    else:
        pieces = [sentence for line in text.text.splitlines() for sentence in sentences(_MARK.sub("", line))]
    return [piece[:_LONGEST] for piece in pieces if piece.strip()]


def _viewed(view: Callable[[Document], tuple[bytes, ...]], document: Document) -> tuple[bytes, ...]:
    """What is seen of a page; one that cannot be shown costs only its picture."""
    try:
        return view(document)
    except MediaError:
        return ()
