"""The parts of a document: text, image, audio, video, mesh. Frozen values; nothing is rewritten in place.

Every part has `n`, its permanent ordinal in its document: dropping its neighbours never renumbers it, so
whatever refers to a part (a caption, the ledger) keeps pointing right. `place` says where in its source
the part stood, in one of these forms: `dom:1/3/0` (child indices from the root element), `page:3` or
`page:3 box:10,20,200,80` (points from the top left corner), `time:12.5-14.0` (seconds).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Literal, get_args

from limner.errors import InvalidDocument

Role = Literal["paragraph", "heading", "caption", "list", "quote", "code", "table", "formula", "ocr", "speech", "note"]
ROLES: frozenset[str] = frozenset(get_args(Role))

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True, init=False)
class Text:
    """A run of text with one role.

    `text` is plain, except that a table is GitHub Markdown, a list has one `- ` or `1. ` item a line
    (nested items indented by two spaces), and a formula is LaTeX without its delimiters (inline formulas
    stand between dollar signs in their paragraph). A note is a footnote with its mark, after the text of its
    page. `level` is 1-6 for a heading, else 0. `language` is a
    BCP 47 tag, or for a code block its programming language in lower case. `of` is the `n` of the part a
    caption belongs to.

    >>> Text(0, "Cropping", role="heading", level=2).role
    'heading'
    """

    n: int
    text: str
    role: Role = "paragraph"
    level: int = 0
    language: str = ""
    place: str = ""
    of: int | None = None

    def __init__(
        self,
        n: int,
        text: str,
        role: Role = "paragraph",
        level: int = 0,
        language: str = "",
        place: str = "",
        of: int | None = None,
    ) -> None:
        if role not in ROLES:
            raise InvalidDocument(f"part {n}: unknown role {role!r}; one of {', '.join(sorted(ROLES))}")
        if not 0 <= level <= 6:
            raise InvalidDocument(f"part {n}: level {level} is not in 0-6")
        if of == n:
            raise InvalidDocument(f"part {n}: a caption cannot belong to itself")
        _n(self, n)
        _text(self, text)
        _role(self, role)
        _level(self, level)
        _language(self, language)
        _place(self, place)
        _of(self, of)


# Most of the values that limner makes are texts: set through their slots, they are made in half of the time.
_n, _text, _role, _level, _language, _place, _of = (getattr(Text, f.name).__set__ for f in fields(Text))


@dataclass(frozen=True, slots=True)
class Image:
    """An image in its place. `ref` is the sha256 of its stored bytes, empty until they are stored; `url` is
    where it was (an absolute URL, or a path as the source wrote it). `width` and `height` are pixels as
    displayed (after EXIF rotation), 0 where unknown."""

    n: int
    ref: str = ""
    url: str = ""
    alt: str = ""
    width: int = 0
    height: int = 0
    place: str = ""

    def __post_init__(self) -> None:
        check_ref(self.n, self.ref)
        if self.width < 0 or self.height < 0:
            raise InvalidDocument(f"part {self.n}: negative size {self.width}x{self.height}")


@dataclass(frozen=True, slots=True)
class Audio:
    """A stretch of sound; `start` and `end` are seconds in the file, `end` 0 for up to its end."""

    n: int
    ref: str = ""
    url: str = ""
    start: float = 0.0
    end: float = 0.0
    place: str = ""

    def __post_init__(self) -> None:
        check_ref(self.n, self.ref)
        check_span(self.n, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Video:
    """A stretch of video; `start` and `end` are seconds in the file, `end` 0 for up to its end."""

    n: int
    ref: str = ""
    url: str = ""
    start: float = 0.0
    end: float = 0.0
    place: str = ""

    def __post_init__(self) -> None:
        check_ref(self.n, self.ref)
        check_span(self.n, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Mesh:
    """A three-dimensional model (glTF, OBJ, PLY, ...)."""

    n: int
    ref: str = ""
    url: str = ""
    place: str = ""

    def __post_init__(self) -> None:
        check_ref(self.n, self.ref)


Part = Text | Image | Audio | Video | Mesh
Media = Image | Audio | Video | Mesh


def check_ref(n: int, ref: str) -> None:
    """Raise `InvalidDocument` unless `ref` is empty or a lower-case hexadecimal sha256."""
    if ref and not _SHA256.match(ref):
        raise InvalidDocument(f"part {n}: ref {ref[:80]!r} is not a sha256 in lower-case hexadecimal")


def check_span(n: int, start: float, end: float) -> None:
    """Raise `InvalidDocument` unless 0 <= start <= end (end 0 standing for the end of the file)."""
    if start < 0 or (end and end < start):
        raise InvalidDocument(f"part {n}: the span {start}-{end} is not a span of seconds")
