"""Whether the texts of an answer speak of images that are there: "Figure 2", "image 3", "the second picture", "the picture
above".

Figures by number are found in the languages of `limner.document.references`; the other ways in English. An image's number is
that of the caption next to it ("Figure 4: ...", "Image 2. ..."), else its place among the images.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from limner.document.references import mentions, normal
from limner.evaluate.metrics.interleaving import Part, joined

_NOUN = r"(?:image|picture|photo(?:graph)?|illustration|diagram|drawing|figure|screenshot|sketch)"
_ORDINALS: tuple[str, ...] = tuple("first second third fourth fifth sixth seventh eighth ninth tenth".split())
_NUMBERED = re.compile(
    r"(?<![\w./])(?:image|picture|photo(?:graph)?|illustration|img)[\s_#]{0,3}(\d{1,3})(?![\w./]*\.(?:png|jpe?g|webp|gif))(?!\w)",
    re.I,
)
_ORDINAL = re.compile(rf"\b({'|'.join(_ORDINALS)}|last|final) (?:of the )?{_NOUN}s?\b", re.I)
_ABOVE = re.compile(
    rf"\b{_NOUN} (?:just |right )?above\b|\b(?:above|previous|preceding) {_NOUN}\b|\b(?:pictured|depicted|illustrated) above\b",
    re.I,
)
_BELOW = re.compile(
    rf"\b{_NOUN} (?:just |right )?below\b|\b(?:following|next) {_NOUN}\b|\b{_NOUN} that follows\b"
    r"|\b(?:pictured|depicted|illustrated) below\b",
    re.I,
)
_CAPTION = re.compile(
    r"\s*[*_(\[]{0,3}(figure|fig\.?|image|picture|photo|illustration)\s*(\d{1,3})\s*[*_)\]]{0,3}\s*[:.–—-]", re.I
)
_MOST = 100_000  # characters of a text that are looked at
_WINDOW = 200  # characters of a mention's sentence on either side


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where a text speaks of an image: its words, the part's number among the joined parts, the image's number among
    the images from 0 (None where there is none), and the sentence."""

    said: str
    part: int
    image: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class References:
    """The mentions of images in an answer, and how many images it has."""

    mentions: tuple[Mention, ...]
    images: int

    @property
    def resolved(self) -> float | None:
        """The share of mentions whose image is there; None where nothing is mentioned."""
        return sum(m.image is not None for m in self.mentions) / len(self.mentions) if self.mentions else None

    @property
    def dangling(self) -> tuple[str, ...]:
        """What is said of images that are not there."""
        return tuple(mention.said for mention in self.mentions if mention.image is None)

    @property
    def mentioned(self) -> float | None:
        """The share of images that a text speaks of; None without images."""
        return len({m.image for m in self.mentions} - {None}) / self.images if self.images else None


def references(parts: Sequence[Part]) -> References:
    """The mentions of images in the texts of an answer.

    >>> found = references(["See Figure 1 and the picture below.", b"...", "Image 3 shows more."])
    >>> found.resolved, found.dangling
    (0.6666666666666666, ('Image 3',))
    """
    whole = joined(parts)
    places = [at for at, part in enumerate(whole) if not isinstance(part, str)]
    numbers, captions = _numbered(whole, places)
    found: list[Mention] = []
    for at, part in enumerate(whole):
        if not isinstance(part, str):
            continue
        for line_number, line in enumerate(part[:_MOST].split("\n")):
            caption = _CAPTION.match(line)
            if caption and (at, line_number) in captions:
                line = line[caption.end() :]
            found += _of_line(line, at, places, numbers)
    return References(tuple(found), len(places))


def _of_line(line: str, at: int, places: list[int], numbers: dict[str, int]) -> list[Mention]:
    out: list[Mention] = []

    def add(said: str, image: int | None, start: int) -> None:
        out.append(Mention(said, at, image, _sentence(line, start)))

    for kind, number in mentions(line):
        if kind == "figure":
            add(f"Figure {number}", numbers.get(number), max(line.lower().find("fig"), 0))
    for match in _NUMBERED.finditer(line):
        add(match[0], numbers.get(normal(match[1])), match.start())
    for match in _ORDINAL.finditer(line):
        word = match[1].lower()
        place = len(places) - 1 if word in ("last", "final") else _ORDINALS.index(word)
        add(match[0], place if 0 <= place < len(places) else None, match.start())
    for match in _ABOVE.finditer(line):
        add(match[0], max((i for i, place in enumerate(places) if place < at), default=None), match.start())
    for match in _BELOW.finditer(line):
        add(match[0], min((i for i, place in enumerate(places) if place > at), default=None), match.start())
    return out


def _sentence(line: str, start: int) -> str:
    before, after = line[max(start - _WINDOW, 0) : start], line[start : start + _WINDOW]
    begin = max((m.end() for m in re.finditer(r"[.!?] ", before)), default=0)
    end = re.search(r"[!?]|\.(?=\s|\Z)", after)
    return (before[begin:] + after[: end.end() if end else None]).strip()


def _numbered(whole: list[Part], places: list[int]) -> tuple[dict[str, int], set[tuple[int, int]]]:
    """The image of each number, and which lines (part, line) are captions. Captions stand below images or above them,
    whichever gives more images one; what is left over is looked for on the other side."""
    below, above = ([_caption(whole, place, side) for place in places] for side in (1, -1))
    sides = (below, above) if sum(map(bool, below)) >= sum(map(bool, above)) else (above, below)
    numbers: dict[str, int] = {}
    captions: set[tuple[int, int]] = set()
    for image, choices in enumerate(zip(*sides, strict=True)):
        for choice in choices:
            if choice and choice[:2] not in captions:
                captions.add(choice[:2])
                numbers.setdefault(choice[2], image)
                break
    labelled = set(numbers.values())
    for image in range(len(places)):
        if image not in labelled:
            numbers.setdefault(str(image + 1), image)
    return numbers, captions


def _caption(whole: list[Part], place: int, side: int) -> tuple[int, int, str] | None:
    """The part, line and number of a caption below (1) or above (-1) an image."""
    near = place + side
    part = whole[near] if 0 <= near < len(whole) else None
    if not isinstance(part, str):
        return None
    lines = part[:_MOST].split("\n")
    line = 0 if side > 0 else len(lines) - 1
    found = _CAPTION.match(lines[line])
    return (near, line, normal(found[2])) if found else None
