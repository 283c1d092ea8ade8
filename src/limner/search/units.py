"""What an index finds: passages of sections, images with the words around them, whole documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from limner.curate.steps import image_words, title
from limner.document import Document, Image, Text
from limner.document.references import references

Kind = Literal["section", "image", "document"]

WORDS = 200
"""Words after which a passage ends with the part it is at; a text encoder reads about so many."""

_MOST_HEAD = 100
_MOST_AROUND = 200
_MOST_WHOLE = 50_000


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that can be found.

    `n` and `last` are the first and the last of its parts; an image's are its own. `section` is the `n` of the heading it stands under,
    -1 before the first. `trail` are that heading and those above it. `head` is what names it (the headings; an image's captions and
    alternative text), `body` all else that it says (an image's: the document's title, the heading it is under, what is read in it, the
    paragraphs around it and those that cite it).
    """

    kind: Kind
    n: int
    last: int
    section: int
    trail: tuple[str, ...]
    head: str
    body: str
    ref: str = ""

    @property
    def text(self) -> str:
        """What it says, its name first."""
        return f"{self.head}\n{self.body}".strip()


def units(document: Document, words: int = WORDS) -> list[Unit]:
    """The units of a document, in order; the document itself comes last.

    >>> parts = Text(0, "Crop", "heading", 1), Text(1, "Draw a box."), Image(2), Text(3, "A box", "caption", of=2)
    >>> [(u.kind, u.n, u.head) for u in units(Document("d", parts, title="GIMP"))]
    [('section', 0, 'GIMP\\nCrop'), ('image', 2, 'A box'), ('document', 0, 'GIMP')]
    """
    return [*_passages(document, words), *_images(document), _whole(document)] if document.parts else []


def _passages(document: Document, words: int) -> Iterator[Unit]:
    name = title(document)
    trail: list[Text] = []
    held: list[Text] = []
    count = 0
    first = last = -1

    def closed() -> Iterator[Unit]:
        nonlocal count, first, last
        said = [text for text in held if text.role != "heading"]
        if said or (held and held[-1] is (trail[-1] if trail else None)):
            headings = tuple(text.text for text in trail)
            head = "\n".join(dict.fromkeys(h for h in (name, *headings) if h))
            section = trail[-1].n if trail else -1
            yield Unit("section", first, last, section, headings, head, "\n".join(text.text for text in said))
        held.clear()
        count, first, last = 0, -1, -1

    for part in document.parts:
        if isinstance(part, Text) and part.role == "heading":
            yield from closed()
            while trail and trail[-1].level >= part.level:
                trail.pop()
            trail.append(part)
        if isinstance(part, Text) and part.text.strip():
            first = part.n if first < 0 else first
            last = part.n
            held.append(part)
            count += len(part.text.split()) if part.role != "heading" else 0
        elif held:
            last = part.n
        # A caption or what is read in an image stays with it.
        if count >= words and not (isinstance(part, Text) and part.of is not None):
            yield from closed()
    yield from closed()


def _images(document: Document) -> Iterator[Unit]:
    if not any(isinstance(part, Image) for part in document.parts):
        return
    cited = references(document)
    trail: list[Text] = []
    before: Text | None = None
    for at, part in enumerate(document.parts):
        if isinstance(part, Text):
            if part.role == "heading":
                while trail and trail[-1].level >= part.level:
                    trail.pop()
                trail.append(part)
                before = None
            elif part.of is None and part.text.strip():
                before = part
        elif isinstance(part, Image):
            after = _after(document, at)
            by = [p for n in cited.get(part.n, ()) if isinstance(p := document.part(n), Text)]
            around = {text.n: text for text in (*by, before, after) if text is not None}
            read = [t.text for t in document.texts if t.of == part.n and t.role == "ocr"]
            said = [_cut(name, _MOST_HEAD) for name in dict.fromkeys((title(document), *(t.text for t in trail[-1:]))) if name]
            said += [*read, *(_cut(text.text, _MOST_AROUND) for _, text in sorted(around.items()))]
            headings = tuple(text.text for text in trail)
            section = trail[-1].n if trail else -1
            yield Unit("image", part.n, part.n, section, headings, image_words(document, part), "\n".join(said), part.ref)


def _after(document: Document, at: int) -> Text | None:
    """The next text of the same section that is no caption."""
    for part in document.parts[at + 1 : at + 8]:
        if isinstance(part, Text) and part.of is None and part.text.strip():
            return None if part.role == "heading" else part
    return None


def _whole(document: Document) -> Unit:
    text = "\n".join(part.text for part in document.texts)
    return Unit("document", document.parts[0].n, document.parts[-1].n, -1, (), title(document), _cut(text, _MOST_WHOLE))


def _cut(text: str, words: int) -> str:
    if len(text) < words * 3:
        return text
    return " ".join(text.split(maxsplit=words)[:words])
