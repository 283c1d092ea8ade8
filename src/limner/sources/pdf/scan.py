"""Pages that are scans: told by a picture that covers them and by what their text layer is worth, and read by OCR.

What OCR reads has the same form as what pdfium reads (`chars.lines`), so that order, roles and the rest see no difference.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pypdfium2 as pdfium

from limner.corpus.pixels import Pixels
from limner.experts.ocr import Line as Read
from limner.experts.ocr import ocr
from limner.sources.pdf.layout import SCAN, Box, Line, Picture
from limner.sources.pdf.pixels import MAX_PIXELS

COVERS = 0.6
"""Share of a page that its scan covers."""
DPI = 150
"""Dots an inch that a page is drawn with for OCR: more make it slower and no better (bench/ocr)."""

_THIN = 100  # letters: so few may be a stamp of the archive that has the scan
_GARBLED = 0.4  # share of words that are none
_LOWER_CASE = 0.68  # times its box: the size of the font of a line, which OCR boxes hold with ascenders and descenders
_WORD = re.compile(r"[(\[\"'„“‘«]*(?:[^\W\d_]+(?:['’.\-–/][^\W\d_]+)*|\d[\d.,:/%–-]*)[)\]\"'”’“».,;:!?%…]*")


@dataclass
class Scans:
    """The scans of one file: how many were read by OCR, and how many there are whose text nobody has. `experts` is `Page.experts`."""

    experts: Mapping[str, str] = field(default_factory=dict[str, str])
    read: int = 0
    unread: int = 0

    @property
    def meta(self) -> dict[str, str]:
        """What the document says of its scans."""
        found: dict[str, str] = {}
        if self.read:
            found["ocr"] = f"{_pages(self.read)} by {self.experts['ocr']}"
        if self.unread:
            found["unread"] = f"{_pages(self.unread)} without text, of scans; --expert ocr=bundled:rapidocr reads them"
        return found

    def lines(self, page: Any, native: list[Line], pictures: Sequence[Picture]) -> list[Line]:
        """The lines of a page (pypdfium2's): those of its text layer, `native`, where it is no scan or the layer is good, else what OCR
        reads, where there is an address for it."""
        width, height = page.get_size()
        if not is_scan(pictures, width, height):
            return native
        garbled = share_garbled(native) > _GARBLED
        if not garbled and letters(native) >= _THIN:
            return native
        address = self.experts.get("ocr", "")
        if not address:
            self.unread += garbled or not native
            return native
        pixels = drawn(page)
        found = placed(ocr(address).read([pixels])[0], 72 / DPI) if pixels is not None else []
        # A stamp, or a title over a photograph: the layer stays unless there is much more to be read.
        if not garbled and letters(found) <= 2 * letters(native):
            return native
        self.read += 1
        return found


def is_scan(pictures: Sequence[Picture], width: float, height: float) -> bool:
    """Whether pictures (one, or the strips that some scanners make) cover the page."""
    return sum(p.box.width * p.box.height for p in pictures if not p.drawn) > COVERS * width * height


def letters(lines: Sequence[Line]) -> int:
    """How many letters and digits the lines have."""
    return sum(c.isalnum() for line in lines for word, _, _ in line.words for c in word)


def share_garbled(lines: Sequence[Line]) -> float:
    """The share of words that are no words in any language: letters mixed with marks and digits, characters that stand for
    unknown ones, single letters in a row. 0 where there are no words."""
    words = [word for line in lines for word, _, _ in line.words]
    bad = sum(not _WORD.fullmatch(word) or not _known(word) for word in words)
    alone = sum(
        len(a) == 1 and len(b) == 1 and a.isascii() and b.isascii() and a.isalpha() and b.isalpha() for a, b in pairwise(words)
    )
    return min((bad + alone) / len(words), 1.0) if words else 0.0


def _known(word: str) -> bool:
    return not any(c == "\ufffd" or "\ue000" <= c <= "\uf8ff" or c < " " for c in word)


def drawn(page: Any) -> Pixels | None:
    """The page as it looks, None where it is too large to be drawn."""
    width, height = page.get_size()
    scale = DPI / 72
    if not 0 < width * height * scale * scale <= MAX_PIXELS:
        return None
    try:
        bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
        pixels = np.asarray(bitmap.to_pil().convert("RGB"))
    except (pdfium.PdfiumError, ValueError):
        return None
    return pixels


def placed(read: Sequence[Read], scale: float) -> list[Line]:
    """What OCR read, in points. Text that does not run from left to right as the page is shown is left out, as `chars.lines` does."""
    out: list[Line] = []
    kept = [line for line in read if not _upright(line)]
    # Boxes of one paragraph differ by a pixel or three, with what letters its lines happen to have: their sizes are made equal.
    sizes = _levelled([_LOWER_CASE * (line.box[3] - line.box[1]) * scale for line in kept])
    for line, size in zip(kept, sizes, strict=True):
        x0, y0, x1, y1 = (scale * side for side in line.box)
        words = [(word, scale * left, scale * right) for word, left, right in line.words]
        hyphen = words[-1][0].endswith("-") and len(words[-1][0]) > 1
        out.append(Line(Box(x0, y0, x1, y1), words, size, SCAN, 400, hyphen))
    return out


def _upright(line: Read) -> bool:
    x0, y0, x1, y1 = line.box
    return len(line.text) > 2 and y1 - y0 > 1.5 * (x1 - x0)


def _levelled(sizes: Sequence[float]) -> list[float]:
    """Sizes within a fifth of the page's most frequent one are that one; the others stay."""
    if not sizes:
        return []
    body = statistics.median(sizes)
    return [body if abs(size - body) < 0.2 * body else size for size in sizes]


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count} pages"
