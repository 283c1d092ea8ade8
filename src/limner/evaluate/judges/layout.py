"""An answer as it is laid out: its lines and what each is, its sentences, its pictures with the words that stand at them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

from limner.curate.align import sentences
from limner.experts.language import Content

Kind = Literal["heading", "caption", "item", "label", "prose"]

LINES, SENTENCES, PICTURES = 600, 150, 48
"""How many of each are looked at; what comes after is not judged."""

_CHARACTERS = 4_000  # of a line
_CAPTION = re.compile(
    r"\A\W{0,3}(?:figure|fig\.?|image|plate|abb(?:ildung|\.))\s*(?P<number>[A-Z]?\d+(?:[.\-–]\d+)*)", re.IGNORECASE
)
_ITEM = re.compile(r"\A\s*(?:[-*•·]|\d{1,2}[.)]|[a-z]\))\s+")
_HEADING = re.compile(r"\A#{1,6}\s+|\A\*\*[^*]+\*\*\Z")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, without marks of Markdown; `number` is a caption's, as it is written."""

    text: str
    kind: Kind
    number: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and the numbers of the lines just before and just after it, -1 where there is none."""

    data: bytes
    before: int
    after: int


@dataclass(frozen=True)
class Layout:
    """Lines and pictures of an answer, in order; `follows` says of each line whether a picture comes right after it."""

    lines: tuple[Line, ...]
    pictures: tuple[Picture, ...]

    @cached_property
    def follows(self) -> frozenset[int]:
        """The lines that a picture comes right after."""
        return frozenset(picture.before for picture in self.pictures)

    @cached_property
    def sentences(self) -> tuple[tuple[int, str], ...]:
        """The sentences of prose and items of three words or more, each with the number of its line."""
        found: list[tuple[int, str]] = []
        for i, line in enumerate(self.lines):
            if line.kind in ("prose", "item"):
                found += [(i, said) for said in sentences(line.text) if len(said.split()) > 2]
                if len(found) >= SENTENCES:
                    break
        return tuple(found[:SENTENCES])

    def caption(self, picture: Picture) -> str:
        """The numbered caption at a picture, "" where it has none."""
        near = (self.lines[i] for i in (picture.after, picture.before) if i >= 0)
        return next((line.text for line in near if line.kind == "caption"), "")

    def words(self, picture: Picture, most: int = 600) -> str:
        """The lines before and after a picture."""
        return "\n".join(self.lines[i].text[:most] for i in (picture.before, picture.after) if i >= 0)


@lru_cache(16)
def layout(answer: tuple[Content, ...]) -> Layout:
    """The layout of an answer.

    >>> found = layout(("# Crop\\nDraw a box.", b"...", "Figure 1. A box"))
    >>> [line.kind for line in found.lines], found.caption(found.pictures[0])
    (['heading', 'prose', 'caption'], 'Figure 1. A box')
    """
    lines: list[Line] = []
    pictures: list[Picture] = []
    for part in answer:
        if isinstance(part, bytes):
            pictures.append(Picture(part, len(lines) - 1, -1))
            continue
        for text in part.splitlines():
            if text.strip() and len(lines) < LINES:
                lines.append(_line(text[:_CHARACTERS]))
    after = [p if p.before + 1 >= len(lines) else Picture(p.data, p.before, p.before + 1) for p in pictures[:PICTURES]]
    return Layout(tuple(lines), tuple(after))


def said(parts: Sequence[Content]) -> str:
    """The texts among parts, a line each."""
    return "\n".join(part for part in parts if isinstance(part, str))


def _line(text: str) -> Line:
    if _HEADING.match(text):
        return Line(text.strip("#* ").strip(), "heading")
    numbered = _CAPTION.match(text)
    if numbered:
        # "Figure 3 shows the box." speaks of a figure; a caption's number ends with a mark or goes on with a name.
        after = text[numbered.end() :].lstrip(" ")
        if not after or after[0] in ".:|–—-)" or after[0].isupper():
            return Line(text.strip(), "caption", numbered["number"])
    if _ITEM.match(text):
        return Line(_ITEM.sub("", text).strip(), "item")
    bare = text.strip()
    return Line(bare, "label" if len(bare.split()) < 6 and bare[-1] not in ".!?。！？" else "prose")
