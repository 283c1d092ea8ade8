"""What a writer makes: an interleaved answer with the source of each of its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from limner.document import Document, Image, Role, Text, document_id, to_dict
from limner.search import Hit


@dataclass(frozen=True, slots=True)
class Source:
    """Where a part of an answer comes from: its number in the answer, from 1, the document and the part of it, and how people find it."""

    number: int
    document: str
    n: int
    title: str
    url: str
    source: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that was asked before, and what was answered."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Passage:
    """What a writer is given: a passage that was found, its text as parts, where it comes from."""

    source: Source
    hit: Hit
    texts: tuple[Text, ...]

    @property
    def text(self) -> str:
        """What it says, a part a line."""
        return "\n".join(text.text for text in self.texts)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of an answer before its pictures are chosen. `source` is the number of what supports it, 0 where nothing does or nothing need
    (a heading); `n` is the part of that document it was taken from, -1 where it was not taken."""

    text: str
    role: Role = "paragraph"
    source: int = 0
    n: int = -1
    supported: bool = True


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens that a model was asked and that it wrote."""

    tokens_in: int = 0
    tokens_out: int = 0


class Writer(Protocol):
    """Writes what answers a question from passages."""

    def write(self, question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()) -> tuple[list[Block], Spent]:
        """Blocks in order; none where the passages answer nothing."""
        ...


PLACE = "source:"
"""How the `place` of an answer's part begins, before the number of its source."""


@dataclass(frozen=True)
class Answer:
    """An answer. `document` has its parts in order: texts, and images of the corpus by their `ref`; the `place` of each is `source:K`, K the
    number of its source, or "". `unsupported` are the `n` of texts for which no source speaks. `writer` says who wrote it."""

    question: str
    document: Document
    sources: tuple[Source, ...] = ()
    unsupported: frozenset[int] = frozenset()
    writer: str = "extractive"
    spent: Spent = Spent()

    def source(self, part: Text | Image) -> Source | None:
        """The source of a part."""
        number = part.place.removeprefix(PLACE)
        return next((s for s in self.sources if str(s.number) == number), None)

    @property
    def text(self) -> str:
        """Its words, without pictures."""
        return self.document.text

    def to_dict(self) -> dict[str, Any]:
        """The answer as a JSON-ready dictionary."""
        return {
            "question": self.question, "writer": self.writer, "document": to_dict(self.document),
            "sources": [{name: getattr(s, name) for name in Source.__slots__} for s in self.sources],
            "unsupported": sorted(self.unsupported), "tokens_in": self.spent.tokens_in, "tokens_out": self.spent.tokens_out,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """An image for an answer: what it is called, and the source it comes from."""

    image: Image
    caption: str
    source: Source


def assembled(
    question: str,
    blocks: Sequence[Block],
    pictures: Mapping[int, Sequence[Picture]],
    sources: Sequence[Source],
    writer: str,
    spent: Spent = Spent(),
    language: str = "",
) -> Answer:
    """Blocks and the pictures that follow them (by the block's place) as an answer; sources that nothing uses are left out, the rest numbered anew
    in the order of their use."""
    number: dict[tuple[str, int], Source] = {}
    known = {source.number: source for source in sources}

    def place(source: Source | None) -> str:
        if source is None:
            return ""
        key = source.document, source.n
        if key not in number:
            number[key] = Source(len(number) + 1, source.document, source.n, source.title, source.url, source.source)
        return f"{PLACE}{number[key].number}"

    parts: list[Text | Image] = []
    unsupported: set[int] = set()
    for at, block in enumerate(blocks):
        text = Text(len(parts), block.text, block.role, 2 if block.role == "heading" else 0, place=place(known.get(block.source)))
        parts.append(text)
        if not block.supported:
            unsupported.add(text.n)
        for picture in pictures.get(at, ()):
            image, where = picture.image, place(picture.source)
            n = len(parts)
            parts.append(Image(n, image.ref, image.url, image.alt, image.width, image.height, where))
            if picture.caption:
                parts.append(Text(n + 1, picture.caption, "caption", place=where, of=n))
    document = Document(
        document_id(f"answer: {question}"), tuple(parts), source="limner write", title=question, language=language
    )
    return Answer(question, document, tuple(number.values()), frozenset(unsupported), writer, spent)
