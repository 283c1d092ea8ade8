"""What stands on a page: words in lines, lines in blocks. All lengths are points, from the page's top left corner."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# TeX's fonts say it in two letters: bx, and sx without serifs (Berry, Fontname: Filenames for TeX fonts, https://tug.org/fontname/).
_BOLD = re.compile(
    r"bold|black|heavy|semib|demi|-medi(?!um)|^(?:cm(?:ss)?bx|cmb\d|(?:sf|ec|tc)(?:bx|sx|bi|rb|xb|xc|so)\d|lm\w*bx)",
    re.IGNORECASE,
)


SCAN = "scan"
"""The name of the font of lines that were read by OCR: what a scan's letters look like is not asked."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; `y` grows downwards."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    def over(self, other: Box) -> float:
        """How long both are side by side, across the page."""
        return min(self.x1, other.x1) - max(self.x0, other.x0)

    def beside(self, other: Box) -> float:
        """How long both are side by side, down the page."""
        return min(self.y1, other.y1) - max(self.y0, other.y0)

    def around(self, other: Box) -> Box:
        """The rectangle that holds both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def holds(self, other: Box) -> bool:
        """Whether the middle of another is inside."""
        return self.x0 <= (other.x0 + other.x1) / 2 <= self.x1 and self.y0 <= (other.y0 + other.y1) / 2 <= self.y1

    def place(self, page: int) -> str:
        """As a part's `place`; `page` counts from 1."""
        return f"page:{page} box:{self.x0:.0f},{self.y0:.0f},{self.x1:.0f},{self.y1:.0f}"


@dataclass(frozen=True, slots=True)
class Frame:
    """How a page is shown: its box in the PDF's own units (`left`, `bottom`, `wide`, `high`; `y` grows upwards there), and by how
    many quarter turns to the right."""

    left: float
    bottom: float
    wide: float
    high: float
    turns: int = 0

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """A rectangle of the PDF, given by its lower left and upper right corner, as it is shown."""
        x0, x1, y0, y1 = x0 - self.left, x1 - self.left, y0 - self.bottom, y1 - self.bottom
        if self.turns == 1:
            return Box(y0, x0, y1, x1)
        if self.turns == 2:
            return Box(self.wide - x1, y0, self.wide - x0, y1)
        if self.turns == 3:
            return Box(self.high - y1, self.wide - x1, self.high - y0, self.wide - x0)
        return Box(x0, self.high - y1, x1, self.high - y0)


@dataclass(slots=True)
class Line:
    """Words that stand on one baseline, next to one another. `words` are texts with where each begins and ends across the
    page; `hyphen` says that the last word goes on in the next line."""

    box: Box
    words: list[tuple[str, float, float]]
    size: float
    font: str
    weight: int
    hyphen: bool = False
    _said: tuple[int, str] = (0, "")  # of how many words, and what: words are added, never changed

    @property
    def text(self) -> str:
        if self._said[0] != len(self.words):
            self._said = len(self.words), " ".join([word for word, _, _ in self.words])
        return self._said[1]


def bold(line: Line) -> bool:
    """Whether a line is in bold type, by its font's weight or name."""
    return line.weight >= 600 or bool(_BOLD.search(line.font))


@dataclass(slots=True)
class Block:
    """Lines that belong together: a paragraph, a heading, an item."""

    box: Box
    lines: list[Line]
    page: int = 0
    role: str = "paragraph"
    level: int = 0
    mark: str = field(default="")

    @property
    def size(self) -> float:
        return max(self.lines, key=lambda line: len(line.text)).size

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image on a page; `number` is that of its object, `size` its pixels. `drawn` says that it is made of lines and curves
    and has to be drawn: then `number` is -1."""

    box: Box
    number: int
    size: tuple[int, int] = (0, 0)
    drawn: bool = False

    @property
    def spot(self) -> tuple[int, ...]:
        """What an ornament has in common from page to page: its place and its size."""
        return (*self.size, *(round(x) for x in (self.box.x0, self.box.y0, self.box.x1, self.box.y1)))
