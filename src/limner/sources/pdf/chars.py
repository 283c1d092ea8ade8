"""The lines of a page, from pdfium's characters.

pdfium says which characters stand on one line and puts in the spaces and line breaks that a PDF does not have. A box is
asked for at both ends of a word only: one for every character would take as long as loading the page does.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator
from typing import Any

import pypdfium2.raw as pdfium

from limner.sources.pdf.layout import Box, Frame, Line

MAX_CHARS = 200_000
"""No more characters of a page are read."""
_APART = 1.1  # times the size: words further apart are in different columns or cells
_TURNED = 0.2  # radians
_SOFT = "\x02\ufffe\u00ad"  # what pdfium gives for a hyphen at the end of a line
_PIECE = re.compile(f"[^{_SOFT}]*[{_SOFT}]|[^{_SOFT}]+")


def lines(text_page: Any, frame: Frame) -> list[Line]:
    """The lines in the order of the page's content; text that does not run from left to right as the page is shown is left out."""
    return [line for start, text in _raw(text_page) for line in _cut(text_page, start, text, frame)]


def _raw(text_page: Any) -> Iterator[tuple[int, str]]:
    """The first character and the text of every line, one code point a character."""
    count = min(pdfium.FPDFText_CountChars(text_page), MAX_CHARS)
    if count <= 0:
        return
    buffer = (ctypes.c_ushort * (count + 1))()
    got = pdfium.FPDFText_GetText(text_page, 0, count, buffer)
    text = bytes(buffer)[: 2 * max(got - 1, 0)].decode("utf-16le", "replace")
    if len(text) != count:
        text = "".join(_character(pdfium.FPDFText_GetUnicode(text_page, i)) for i in range(count))
    start = 0
    for piece in text.splitlines(keepends=True):
        yield start, piece
        start += len(piece)


def _character(code: int) -> str:
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else " "


def _cut(text_page: Any, start: int, text: str, frame: Frame) -> Iterator[Line]:
    """A line of pdfium's, cut where words stand far apart or not on one height."""
    loose = pdfium.FS_RECTF()
    line: Line | None = None
    at = 0
    for word in text.split():
        at = text.index(word, at)
        offset = start + at
        at += len(word)
        # Where a word is divided, pdfium leaves out the line break.
        for piece in _PIECE.finditer(word):
            shown = piece[0].rstrip(_SOFT)
            first, last = offset + piece.start(), offset + piece.start() + len(shown) - 1
            if not shown or not pdfium.FPDFText_GetLooseCharBox(text_page, first, loose):
                continue
            box = frame.box(loose.left, loose.bottom, loose.right, loose.top)
            if last > first and pdfium.FPDFText_GetLooseCharBox(text_page, last, loose):
                box = box.around(frame.box(loose.left, loose.bottom, loose.right, loose.top))
            if line is not None and not _goes_on(line, box):
                yield line
                line = None
            if line is None:
                angle = (pdfium.FPDFText_GetCharAngle(text_page, first) + frame.turns * math.pi / 2) % (2 * math.pi)
                if _TURNED < angle < 2 * math.pi - _TURNED:
                    return
                # The size of a font is in the units of its text: what it is on the page, its box says.
                size = min(pdfium.FPDFText_GetFontSize(text_page, first), box.height)
                size = size if size > 1 else max(box.height, 0.1)
                weight = pdfium.FPDFText_GetFontWeight(text_page, first)
                line = Line(box, [], size, _font(text_page, first), weight)
            line.words.append((shown, box.x0, box.x1))
            line.box = Box(line.box.x0, min(line.box.y0, box.y0), box.x1, max(line.box.y1, box.y1))
            if len(shown) < len(piece[0]):
                line.hyphen = True
                yield line
                line = None
    if line is not None:
        line.hyphen = line.words[-1][0].endswith("-") and len(line.words[-1][0]) > 1
        yield line


def _goes_on(line: Line, box: Box) -> bool:
    near = -line.size < box.x0 - line.box.x1 <= _APART * max(line.size, 4)
    return near and line.box.beside(box) > 0.4 * min(line.box.height, box.height)


def _font(text_page: Any, index: int) -> str:
    buffer, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    got = pdfium.FPDFText_GetFontInfo(text_page, index, buffer, 128, flags)
    name = buffer.raw[: max(min(got, 128) - 1, 0)].decode("utf-8", "replace")
    return name.partition("+")[2] or name
