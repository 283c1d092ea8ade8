"""What a document can have that a format may not hold: one table, so that every format counts its losses alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from limner.document import Audio, Document, Image, Mesh, Text, Video
from limner.formats.format import Loss

Count = Callable[[Document], int]


def _role(role: str) -> Count:
    return lambda document: sum(1 for text in document.texts if text.role == role)


def _kind(kind: type) -> Count:
    return lambda document: sum(1 for part in document.parts if isinstance(part, kind))


def _images(having: Callable[[Image], object]) -> Count:
    return lambda document: sum(1 for image in document.images if having(image))


def _texts(having: Callable[[Text], object]) -> Count:
    return lambda document: sum(1 for text in document.texts if having(text))


def _cut(text: str) -> bool:
    return sum(1 for piece in text.split("\n\n") if piece.strip()) > 1


FEATURES: dict[str, tuple[str, Count]] = {
    "headings": ("headings become plain paragraphs", _role("heading")),
    "levels": ("levels of headings are left out", _texts(lambda t: t.role == "heading" and t.level)),
    "captions": ("captions become plain paragraphs", _role("caption")),
    "captioned": ("which image a caption belongs to is left out", _texts(lambda t: t.of is not None)),
    "lists": ("lists become plain paragraphs", _role("list")),
    "quotes": ("quotations become plain paragraphs", _role("quote")),
    "code": ("code blocks become plain paragraphs", _role("code")),
    "tables": ("tables become plain paragraphs", _role("table")),
    "formulas": ("formulas become plain paragraphs", _role("formula")),
    "ocr": ("text read in images becomes plain paragraphs", _role("ocr")),
    "speech": ("transcribed speech becomes plain paragraphs", _role("speech")),
    "notes": ("footnotes become plain paragraphs", _role("note")),
    "breaks": ("texts with empty lines in them become several paragraphs", _texts(lambda t: t.role != "code" and _cut(t.text))),
    "languages": ("languages of single parts are left out", _texts(lambda t: t.language)),
    "places": ("places of parts in their source are left out", lambda d: sum(1 for part in d.parts if part.place)),
    "ordinals": (
        "parts are numbered anew, gaps that drops left are closed",
        lambda d: int([part.n for part in d.parts] != list(range(len(d.parts)))),
    ),
    "alt": ("alternative texts of images are left out", _images(lambda i: i.alt)),
    "sizes": ("widths and heights of images are left out", _images(lambda i: i.width or i.height)),
    "addresses": ("addresses of stored images are left out", _images(lambda i: i.ref and i.url)),
    "unstored": ("images that are not stored are left out", _images(lambda i: not i.ref and i.url)),
    "nameless": ("images with neither address nor stored bytes are left out", _images(lambda i: not i.ref and not i.url)),
    "audio": ("sounds are left out", _kind(Audio)),
    "video": ("videos are left out", _kind(Video)),
    "mesh": ("three-dimensional models are left out", _kind(Mesh)),
    "id": ("ids of documents are left out", lambda d: 1),
    "url": ("addresses of documents are left out", lambda d: int(bool(d.url))),
    "title": ("titles are left out", lambda d: int(bool(d.title))),
    "language": ("languages of documents are left out", lambda d: int(bool(d.language))),
    "source": ("names of sources are left out", lambda d: int(bool(d.source))),
    "meta": ("dates, authors and other facts of documents are left out", lambda d: len(d.meta)),
}

ROLES = frozenset({"headings", "captions", "lists", "quotes", "code", "tables", "formulas", "ocr", "speech", "notes"})


def phrases(holds: Iterable[str]) -> tuple[str, ...]:
    """What is lost by a format that holds only those features, a phrase each."""
    held = frozenset(holds)
    if unknown := held - set(FEATURES):
        raise ValueError(f"unknown feature {min(unknown)!r}")
    return tuple(phrase for name, (phrase, _) in FEATURES.items() if name not in held)


@dataclass
class Tally:
    """Counts what an export loses. `kept` says whether limner's own field is written too."""

    holds: frozenset[str]
    kept: bool

    def __post_init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def document(self, document: Document) -> None:
        """Count what `document` has that the format does not hold."""
        for name, (phrase, count) in FEATURES.items():
            if name not in self.holds and (n := count(document)):
                self._counts[phrase] += n

    def lose(self, phrase: str, count: int = 1) -> None:
        """Count a loss that is the format's own; limner's own field, where it is written, keeps it."""
        self._counts[phrase] += count

    def losses(self) -> tuple[Loss, ...]:
        """All of them, the most frequent first."""
        found = [Loss(what, count, self.kept) for what, count in self._counts.items() if count]
        return tuple(sorted(found, key=lambda loss: (-loss.count, loss.what)))
