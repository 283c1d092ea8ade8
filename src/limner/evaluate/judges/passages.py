"""Stretches of real documents as answers: what defects are planted in, and what judges are measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from limner.curate.align import sentences
from limner.curate.steps import NARRATIVE, title
from limner.document import Document, Image, Text
from limner.evaluate.judging import Case
from limner.experts.language import Content

SIDE = 64
"""Pixels of the shorter side that a picture has at least: what is smaller is an icon."""

_CHARACTERS = 1_200  # of a paragraph
_BYTES = 3_000_000  # of a picture


@dataclass(frozen=True, slots=True)
class Said:
    """A paragraph; `level` of a heading, else 0."""

    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture with its caption ("" for none), which may stand above it."""

    image: bytes
    caption: str = ""
    above: bool = False


Block = Said | Shown


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of the document `name`, whose title says what is asked for."""

    name: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def pictures(self) -> list[int]:
        """Where the pictures are."""
        return [i for i, block in enumerate(self.blocks) if isinstance(block, Shown)]

    @property
    def paragraphs(self) -> list[int]:
        """Where the paragraphs are, headings left out."""
        return [i for i, block in enumerate(self.blocks) if isinstance(block, Said) and not block.level]

    def put(self, *changed: tuple[int, Block]) -> Passage:
        """The passage with other blocks at some places."""
        blocks = list(self.blocks)
        for at, block in changed:
            blocks[at] = block
        return replace(self, blocks=tuple(blocks))

    @property
    def answer(self) -> tuple[Content, ...]:
        """Texts and pictures in order."""
        out: list[Content] = []
        for block in self.blocks:
            if isinstance(block, Said):
                out.append("#" * block.level + " " + block.text if block.level else block.text)
            else:
                caption: list[Content] = [block.caption] if block.caption else []
                out += [*caption, block.image] if block.above else [block.image, *caption]
        return tuple(out)

    def case(self, sources: Sequence[str] = ()) -> Case:
        """The passage as an answer to a request for its title."""
        return Case((f"Write a section of a manual, with pictures, about: {self.title}",), self.answer, (), tuple(sources))


def passage(document: Document, media: Callable[[str], bytes | None], pictures: int = 5, paragraphs: int = 14) -> Passage | None:
    """The first stretch of a document with at least two pictures, so many at most, and eight sentences; None where there is none."""
    blocks = _blocks(document, media)
    starts = [i for i, block in enumerate(blocks) if i == 0 or (isinstance(block, Said) and block.level)]
    for start in starts:
        taken: list[Block] = []
        shown = told = 0
        for block in blocks[start:]:
            shown += isinstance(block, Shown)
            told += isinstance(block, Said) and not block.level
            if shown > pictures or told > paragraphs:
                break
            taken.append(block)
        while taken and isinstance(taken[-1], Said) and taken[-1].level:
            taken.pop()
        count = sum(len(sentences(b.text)) for b in taken if isinstance(b, Said) and not b.level)
        files = {b.image for b in taken if isinstance(b, Shown)}
        if len(files) >= 2 and len(files) == sum(isinstance(b, Shown) for b in taken) and count >= 8:
            about = next((b.text for b in taken if isinstance(b, Said) and b.level), "")
            name = title(document)
            return Passage(document.id, name if about in name else f"{name}: {about}" if about else name, tuple(taken))
    return None


def passages(documents: Iterable[Document], media: Callable[[str], bytes | None], language: str = "en") -> Iterator[Passage]:
    """A passage of each document in that language that has one, none whose first paragraph stood before."""
    seen: set[str] = set()
    for document in documents:
        if document.language.startswith(language) and len(document.images) > 1:
            found = passage(document, media)
            first = next((b.text for b in found.blocks if isinstance(b, Said) and not b.level), "") if found else ""
            if found and first not in seen:
                seen.add(first)
                yield found


def _blocks(document: Document, media: Callable[[str], bytes | None]) -> list[Block]:
    """Paragraphs, headings, lists and pictures with captions; code, tables and formulas are left out."""
    out: list[Block] = []
    place = {part.n: i for i, part in enumerate(document.parts)}
    for part in document.parts:
        if isinstance(part, Image) and part.ref and min(part.width, part.height) >= SIDE:
            data = media(part.ref)
            if data is None or len(data) > _BYTES:
                continue
            captions = document.captions(part.n)
            above = bool(captions) and place[captions[0].n] < place[part.n]
            out.append(Shown(data, " ".join(" ".join(c.text for c in captions).split())[:_CHARACTERS], above))
        elif isinstance(part, Text) and part.of is None and part.role in NARRATIVE and part.text.strip():
            level = min(max(part.level, 1), 6) if part.role == "heading" else 0
            text = part.text.strip()
            if len(text) <= _CHARACTERS:
                out.append(Said(text, level))
    return out
