"""A document cut into chunks in order: runs of text, and figures and tables with their captions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from limner.document import Document, Image, Role, Text

PROSE: tuple[Role, ...] = ("paragraph", "list", "quote", "speech")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Parts that stand together. `n` are the numbers of its parts, `section` is the heading that it stands under, `text` its words: of a figure
    its captions, of a table its captions and cells; `ref` is a figure's image."""

    kind: Literal["text", "figure", "table"]
    n: tuple[int, ...]
    text: str
    section: str = ""
    ref: str = ""


def chunks(document: Document, words: int = 120) -> list[Chunk]:
    """The chunks of a document. A chunk of text ends with the part that makes it `words` long, with its section, or before a figure.

    >>> d = Document("d", (Text(0, "Lenses", "heading", 1), Text(1, "A lens bends light."), Image(2), Text(3, "Figure 1: A lens.", "caption", of=2)))
    >>> [(c.kind, c.section, c.text) for c in chunks(d)]
    [('text', 'Lenses', 'A lens bends light.'), ('figure', 'Lenses', 'Figure 1: A lens.')]
    """
    return list(_chunks(document, words))


def _chunks(document: Document, words: int) -> Iterator[Chunk]:
    section = ""
    held: list[Text] = []

    def closed() -> Iterator[Chunk]:
        if held:
            yield Chunk("text", tuple(t.n for t in held), "\n".join(t.text for t in held), section)
            held.clear()

    for part in document.parts:
        if isinstance(part, Image) or (isinstance(part, Text) and part.role == "table"):
            yield from closed()
            said = document.captions(part.n)
            text = "\n".join([*(t.text for t in said), *([part.text] if isinstance(part, Text) else [])])
            n = (part.n, *(t.n for t in said))
            if isinstance(part, Image):
                yield Chunk("figure", n, text, section, part.ref)
            else:
                yield Chunk("table", n, text, section)
        elif isinstance(part, Text) and part.role == "heading":
            yield from closed()
            section = part.text
        elif isinstance(part, Text) and part.role in PROSE and part.of is None and part.text.strip():
            held.append(part)
            if sum(len(t.text.split()) for t in held) >= words:
                yield from closed()
    yield from closed()
