"""Slides: what stands at the top of each is its title, what stands beside every one is no text, and of those that show the next piece of
the same slide the last is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from limner.sources.pdf.figures import Page
from limner.sources.pdf.layout import Block

_WIDE = (1.2, 2.0)  # times its height
_SHARE = 0.8  # of the pages
_FULL = 1_500  # characters: more than that on a page, in the mean, is a report that lies on its side
_TOP = 0.3  # share of the height
_LONG = 120  # characters of a title
_OFTEN = 4  # slides with the same words at one place
_MOST = 0.4  # of the slides, with the same
_SMALL = 0.9  # times the size of the body: smaller is no title


def are(pages: Sequence[Page]) -> bool:
    """Whether the pages of a file are slides, by their shape and how little is written on them."""
    wide = sum(_WIDE[0] <= page.width / max(page.height, 1) <= _WIDE[1] for page in pages)
    said = sum(len(block.text) for page in pages for block in page.blocks)
    return wide >= _SHARE * len(pages) and said <= _FULL * len(pages)


def without_frame(pages: Sequence[Page]) -> None:
    """Take away what is written at the same place on most slides: outlines at the side, names, logos."""
    seen = Counter(_spot(block) for page in pages for block in page.blocks)
    often = max(_OFTEN, _MOST * len(pages))
    for page in pages:
        page.blocks = [block for block in page.blocks if seen[_spot(block)] < often]


def _spot(block: Block) -> tuple[str, int, int]:
    return block.text, round(block.box.x0 / 2), round(block.box.y0 / 2)


def steps(pages: Sequence[Page]) -> set[int]:
    """The numbers of slides of which the next shows all that they show."""
    found: set[int] = set()
    for page, after in pairwise(pages):
        ours, theirs = _lines(page), _lines(after)
        if ours and ours[0] == next(iter(theirs), "") and set(ours) <= set(theirs) and _spots(page) <= _spots(after):
            found.add(page.number)
    return found


def titles(pages: Sequence[Page], body: float) -> None:
    """Make what stands at the top of each slide its heading. `body` is the size of the text, in points."""
    for page in pages:
        top = min(page.blocks, key=lambda block: (block.box.y0, block.box.x0), default=None)
        if top is not None and _title(top, page, body):
            top.role, top.level = "heading", top.level or 2


def _title(block: Block, page: Page, body: float) -> bool:
    return (
        block.role in ("paragraph", "heading")
        and block.size >= _SMALL * body
        and len(block.lines) <= 2
        and len(block.text) <= _LONG
        and any(c.isalpha() for c in block.text)
        and block.box.y1 < _TOP * page.height
        and len(page.blocks) > 1
        and id(block) not in page.captions
    )


def _lines(page: Page) -> list[str]:
    return [line.text for block in sorted(page.blocks, key=lambda block: block.box.y0) for line in block.lines]


def _spots(page: Page) -> set[tuple[int, ...]]:
    return {picture.spot for picture in page.figures}
