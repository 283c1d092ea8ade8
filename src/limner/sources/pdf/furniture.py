"""What stands on every page and belongs to none: running heads, page numbers, marks of the publisher."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from limner.sources.pdf.layout import Block

_EDGE = 0.1  # share of a page's height, at its top and its bottom
_WIDE = 0.13  # the same, for what is repeated word for word
_OFTEN = 3  # pages with the same text
_SHARE = 0.3  # of the pages, with any one line at the same height
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_PAGE = re.compile(r"(?:page|seite|p\.)?\s*(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|of|von|sur|de)\s*\d{1,4})?", re.IGNORECASE)


def without(pages: Sequence[Sequence[Block]], heights: Sequence[float], slides: bool = False) -> list[list[Block]]:
    """The pages without what is repeated at their edges, and without their numbers. At the top of `slides` stand their titles, which stay."""
    seen: Counter[str] = Counter()
    places: Counter[tuple[int, int]] = Counter()
    for blocks, height in zip(pages, heights, strict=True):
        seen.update({_key(b) for b in blocks if _at_edge(b, height, _WIDE)})
        places.update({_spot(b) for b in blocks if _at_edge(b, height)})
    often = max(_OFTEN, min(len(pages) // 20, 10))
    always = max(2 * _OFTEN, _SHARE * len(pages))

    def stays(block: Block, height: float, top: float, bottom: float) -> bool:
        if not _at_edge(block, height, _WIDE) or (slides and block.box.y1 < height / 2):
            return True
        if _at_edge(block, height) and places[_spot(block)] >= always and len(block.lines) == 1:
            return False
        # A number that stands alone is the page's where nothing stands above or below it.
        outermost = block.box.y0 < top + block.size or block.box.y1 > bottom - block.size
        return seen[_key(block)] < often and not (outermost and _PAGE.fullmatch(block.text.strip()))

    out: list[list[Block]] = []
    for blocks, height in zip(pages, heights, strict=True):
        top, bottom = min((b.box.y0 for b in blocks), default=0.0), max((b.box.y1 for b in blocks), default=0.0)
        out.append([b for b in blocks if stays(b, height, top, bottom)])
    return out


def _at_edge(block: Block, height: float, edge: float = _EDGE) -> bool:
    return len(block.lines) <= 2 and (block.box.y1 < edge * height or block.box.y0 > (1 - edge) * height)


def _key(block: Block) -> str:
    return _DIGITS.sub("#", block.text.lower())[:80]


def _spot(block: Block) -> tuple[int, int]:
    # Titles of chapters change from page to page: what stays is the height they stand at, and their size.
    return round(block.lines[0].box.y1), round(2 * block.size)
