"""Text set into pictures with the fonts of this machine, and where each word of it came to stand.

Fonts are looked for where systems keep them and in `$LIMNER_FONTS`. A text is set only in a font that has all of its letters; what reads from the
right is not set here.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from limner.evaluate.benchmark import BenchmarkError

Font = ImageFont.FreeTypeFont

_KINDS = (".ttf", ".otf", ".ttc")
_MOST_FONTS = 5_000
_TOKENS = re.compile(
    r"\s+|[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]|[^\s\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]+"
)
"""Words, and letters of scripts that set no spaces between them, any of which may end a line."""
_NO_LETTER = "\U0010fffe"
_NEVER_FIRST = frozenset("。，、；：？！）」』】〉》…")


@cache
def font_files() -> tuple[Path, ...]:
    """The font files of this machine, sorted by name."""
    home = Path.home()
    kept = {
        "darwin": [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"],
        "win32": [Path(os.environ.get("WINDIR", "C:\\Windows")) / "Fonts"],
    }
    linux = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".fonts", home / ".local/share/fonts"]
    own = [Path(part) for part in os.environ.get("LIMNER_FONTS", "").split(os.pathsep) if part]
    found = (
        path
        for folder in [*own, *kept.get(sys.platform, linux)]
        if folder.is_dir()
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _KINDS
    )
    return tuple(path for path, _ in zip(found, range(_MOST_FONTS), strict=False))


@lru_cache(maxsize=256)
def font(path: Path, size: int) -> Font:
    """A font of a size in pixels. Raises `BenchmarkError` for a file that is none."""
    try:
        return ImageFont.truetype(str(path), size)
    except OSError as error:
        raise BenchmarkError(f"{path} is no font: {error}") from None


@lru_cache(maxsize=100_000)
def _has(path: Path, letter: str) -> bool:
    return _drawn(path, letter) not in (_drawn(path, _NO_LETTER), ((0, 0), b""))


def _drawn(path: Path, letter: str) -> tuple[tuple[int, int], bytes]:
    """What a font shows for a letter: of one that it lacks the same as of one that there is not."""
    mask: Any = font(path, 16).getmask(letter)
    return mask.size, bytes(mask)


def sets(path: Path, text: str) -> bool:
    """Whether a font has every letter of a text, and the text reads from the left."""
    letters = {letter for letter in text if not letter.isspace()}
    return not any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in letters) and all(
        _has(path, letter) for letter in letters
    )


def fonts_for(text: str, *named: str) -> list[Path]:
    """The fonts that set a text, those first whose file names begin with one of `named`."""
    ranked = sorted(
        font_files(), key=lambda path: next((i for i, name in enumerate(named) if path.name.startswith(name)), len(named))
    )
    return [path for path in ranked if "Math" not in path.name and "Emoji" not in path.name and sets(path, text)]


@dataclass(frozen=True, slots=True)
class Word:
    """A word in a picture: what it says, its left and right side, the line it stands on, and whether a space stands before it."""

    text: str
    left: float
    right: float
    line: int
    spaced: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of words, as wide as they were given. `step` is the distance from line to line; letters stand between `top` and `bottom` of one."""

    words: tuple[Word, ...]
    face: Font
    step: int
    top: float
    bottom: float

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return self.words[-1].line + 1 if self.words else 0

    @property
    def height(self) -> int:
        """Pixels from the top of the first line to the end of the last."""
        return self.lines * self.step

    @property
    def text(self) -> str:
        """The words as they are read."""
        return "".join((" " if word.spaced and i else "") + word.text for i, word in enumerate(self.words))

    def first(self, lines: int) -> Block:
        """Its first lines."""
        return Block(tuple(word for word in self.words if word.line < lines), self.face, self.step, self.top, self.bottom)

    def draw(
        self, onto: Image.Image, at: tuple[float, float], colour: str | tuple[int, int, int] = "black", centre: float = 0.0
    ) -> None:
        """Draw it with its first line's top left at a point; in the middle of a width `centre`, where that is not 0."""
        pen = ImageDraw.Draw(onto)
        ends = {word.line: word.right for word in self.words}
        for word in self.words:
            shift = (centre - ends[word.line]) / 2 if centre else 0
            pen.text((at[0] + word.left + shift, at[1] + word.line * self.step), word.text, colour, self.face)


def lay(text: str, face: Font, width: float, leading: float = 1.3) -> Block:
    """A text in lines of a width, in the order it is read. A word that is wider stands on a line of its own and is cut where the line ends."""
    ascent, descent = face.getmetrics()
    space = face.getlength(" ")
    words: list[Word] = []
    at, line, spaced = 0.0, 0, False
    for token in _tokens(text):
        if token.isspace():
            spaced = bool(words)
            continue
        token = _fitting(token, face, width)
        long = face.getlength(token)
        start = at + (space if spaced and at else 0)
        if start + long > width and at and token not in _NEVER_FIRST:
            line, start = line + 1, 0.0
        words.append(Word(token, start, start + long, line, spaced))
        at, spaced = start + long, False
    box = face.getbbox("hg漢" if _has(Path(str(face.path)), "漢") else "hg")
    return Block(tuple(words), face, max(1, round((ascent + descent) * leading / 1.15)), box[1], box[3])


def spans(text: str) -> list[tuple[int, int]]:
    """Where the words of a text (the letters, of scripts without spaces) begin and end."""
    return [found.span() for found in _TOKENS.finditer(text) if not found.group().isspace()]


def beginning(text: str, words: int) -> str:
    """The first words of a text.

    >>> beginning("one two  three", 2), beginning("一二三", 2)
    ('one two', '一二')
    """
    found = spans(text)[:words]
    return text[: found[-1][1]].strip() if found else ""


def _tokens(text: str) -> Iterator[str]:
    return (found.group() for found in _TOKENS.finditer(text))


def _fitting(token: str, face: Font, width: float) -> str:
    while len(token) > 1 and face.getlength(token) > width:
        token = token[:-1]
    return token


Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def boxes(block: Block, words: Sequence[int], at: tuple[float, float] = (0, 0), rows: tuple[float, float] = (0, 1)) -> list[Box]:
    """The boxes of words of a block drawn at a point, one a line that they stand on. `rows` is the share of the height of letters, from their top,
    that a box has."""
    high = block.bottom - block.top
    out: dict[int, Box] = {}
    for number in words:
        word = block.words[number]
        top = at[1] + word.line * block.step + block.top
        left, _, right, _ = out.get(word.line, (at[0] + word.left, 0.0, 0.0, 0.0))
        out[word.line] = (
            min(left, at[0] + word.left),
            top + rows[0] * high,
            max(right, at[0] + word.right),
            top + rows[1] * high,
        )
    return list(out.values())
