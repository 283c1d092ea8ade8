"""A document as a paper: its title, its abstract, its first figure, and the day that it says it is of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from limner.curate.steps import image_words, unnumbered
from limner.document import Document, Image, Text
from limner.document.references import mentions
from limner.write.placing import small
from limner.write.render import web
from limner.write.summary import summarize

Dated = Literal["published", "file", "seen"]
"""Who says the day: the document (`meta.date`), its file (the date that a PDF has of its making), or nobody: it is when it was first seen here."""

ABSTRACT = 1_500
"""Characters of an abstract that are kept."""

_NAMES = "abstract|summary|zusammenfassung|kurzfassung|résumé|resumen|resumo|аннотация|abstrakt|要旨|摘要"
_HEADING = re.compile(rf"(?:{_NAMES})\W*", re.IGNORECASE)
_INLINE = re.compile(rf"(?i:{_NAMES})\s*[.:—–-]?\s+(?=[^\Wa-z])")
_ENDS = re.compile(
    r"(?:contents|keywords?|key\s+words|index terms|introduction|einleitung|inhalt\w*|table of contents)\b", re.IGNORECASE
)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_PDF = re.compile(r"(?:D:)?(\d{4})(\d{2})(\d{2})")
_EARLY = 30  # parts in which an abstract begins
_LEAD = 30  # words of a first paragraph that is taken for an abstract
_SHORTEST = 40  # characters of an abstract
_LETTERS = 0.85  # share of prose that is letters and stops; code has less
_BEGINS = 60  # parts in which the text of a paper begins
_SIDES = (200, 100)  # least width and height of a figure without a caption, in pixels
_LONGEST_TITLE, _LONGEST_NAMES = 300, 200


@dataclass(frozen=True, slots=True)
class Figure:
    """The picture that stands for a paper, by the sha256 of its bytes, with its caption."""

    ref: str
    caption: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Paper:
    """What a feed shows of a document. `said` is its abstract, or, where `own` is false, how it begins or a few of its sentences; `link` where it
    is on the web, or ""."""

    id: str
    title: str
    authors: str
    said: str
    own: bool
    day: str
    dated: Dated
    figure: Figure | None
    link: str
    source: str

    @property
    def text(self) -> str:
        """By what it is known: title and abstract."""
        return f"{self.title}\n{self.said}"


def paper(document: Document, day: str, dated: Dated) -> Paper:
    """The paper that a document is, on a day that has been settled."""
    said = abstract(document)
    heading = next((text.text for text in document.texts if text.role == "heading"), "")
    name = _line(document.title, _LONGEST_TITLE) or _line(heading, _LONGEST_TITLE) or document.source
    link = document.url or document.meta.get("url", "")
    return Paper(
        document.id, name, _authors(document), said or _told(document), bool(said), day, dated, figure(document), web(link), document.source
    )  # fmt: skip


def day_of(meta: Mapping[str, str], today: str) -> tuple[str, Dated] | None:
    """The day (ISO 8601) that a document's facts give, and which; None where none does. A day after `today` is an error of some clock and no day.

    >>> day_of({"date": "2024-05-31T10:00:00Z", "creationdate": "D:20240601"}, "2024-12-31")
    ('2024-05-31', 'published')
    >>> day_of({"creationdate": "D:20230201120232+01'00'"}, "2024-12-31")
    ('2023-02-01', 'file')
    >>> day_of({"date": "2024"}, "2024-12-31") is None
    True
    """
    iso = _ISO.match(meta.get("date", ""))
    made = _PDF.match(meta.get("creationdate", ""))
    named: list[tuple[str, Dated]] = [(iso[0], "published")] if iso else []
    if made:
        named.append((f"{made[1]}-{made[2]}-{made[3]}", "file"))
    for day, dated in named:
        try:
            date.fromisoformat(day)
        except ValueError:
            continue
        if day <= today:
            return day, dated
    return None


def abstract(document: Document) -> str:
    """The abstract, "" where none is found: what stands under a heading that calls it so, what begins with that word, or a long first paragraph
    before the introduction."""
    early = [part for part in document.parts[:_EARLY] if isinstance(part, Text) and part.of is None]
    for at, part in enumerate(early):
        if _HEADING.fullmatch(part.text.strip()):
            # The first line of an abstract is taken for a heading at times: it goes on where the next part does.
            said = " ".join(_until_it_ends(early[at + 1 :]))
            if len(said) >= _SHORTEST:
                return _cut(said)
        if part.role == "paragraph" and (named := _INLINE.match(part.text)):
            return _cut(part.text[named.end() :])
    for at, part in enumerate(early):
        if _ENDS.match(unnumbered(part.text)):
            return _cut(next(_lead(early[:at]), ""))
    return ""


def _lead(parts: Sequence[Text]) -> Iterator[str]:
    """Long paragraphs of prose."""
    for part in parts:
        if part.role == "paragraph" and len(part.text.split()) >= _LEAD and _prose(part.text):
            yield part.text


def _prose(text: str) -> bool:
    return sum(c.isalpha() or c in " ,.-’'" for c in text) >= _LETTERS * len(text)


def _until_it_ends(parts: list[Text]) -> Iterator[str]:
    said = 0
    for part in parts:
        text = part.text.strip()
        heading = part.role == "heading" and said >= _LEAD
        if heading or part.role not in ("paragraph", "quote", "heading", "list") or _ENDS.match(unnumbered(text)):
            return
        yield text
        said += len(text.split())
        if said > ABSTRACT // 5:
            return


def _told(document: Document) -> str:
    """How it begins, or, where no paragraph does, sentences that say much of what it says."""
    texts = [text for text in document.texts if text.of is None]
    if begins := next(_lead(texts[:_BEGINS]), ""):
        return _cut(begins)
    found = summarize(document, words=70, images=0).document.texts
    return _cut(" ".join(text.text for text in found if text.role != "heading" and _prose(text.text)))


def figure(document: Document) -> Figure | None:
    """The first figure: of those with a caption that numbers it, else with any, else one that is large enough to be no formula."""
    images = [image for image in document.images if image.ref and not small(image)]
    said = {image.n: image_words(document, image) for image in images}
    numbered = (image for image in images if any(kind == "figure" for kind, _ in mentions(said[image.n][:40])))
    captioned = (image for image in images if document.captions(image.n))
    large = (image for image in images if image.width >= _SIDES[0] and image.height >= _SIDES[1])
    for found in (numbered, captioned, large):
        image: Image | None = next(found, None)
        if image is not None:
            return Figure(image.ref, _line(said[image.n], 300), image.width, image.height)
    return None


def _authors(document: Document) -> str:
    # LaTeX leaves commands in the author's field at times.
    names = document.meta.get("author", "")
    return "" if re.search(r"[\[\\{<]", names) else _line(names, _LONGEST_NAMES)


def _cut(text: str) -> str:
    return _line(text, ABSTRACT)


def _line(text: str, most: int) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * most]).split())
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"
