"""Footnotes: small print at the foot of a column, under a short line or with a mark at its beginning."""

from __future__ import annotations

import re
from collections.abc import Sequence

from limner.sources.pdf.figures import Page
from limner.sources.pdf.layout import Block, Box
from limner.sources.pdf.marks import caption

_LOW = 0.5  # share of the page's height below which notes stand
_FOOT = 0.6  # the same, for those under no line
_SMALLER = 0.95  # times the size of the body
_MARKED = 0.9  # the same, for those under no line
_LINE = (0.04, 0.5)  # of the page's width: how long the line above notes is
_MARK = re.compile(r"(?:\d{1,3}|[*∗†‡§¶]|[a-z](?=\s+[A-Z]))\s*\S")


def find(pages: Sequence[Page], body: float) -> None:
    """Give the footnotes of every page the role `note`. `body` is the size of the text, in points."""
    for page in pages:
        rules = [r for r in page.objects.rules if r.y0 > _LOW * page.height and _LINE[0] < r.width / page.width < _LINE[1]]
        for block in page.blocks:
            if block.role == "paragraph" and block.size < _SMALLER * body and not caption(block.text)[0]:
                if any(_under(block, rule, page, body) for rule in rules):
                    block.role = "note"
                elif block.size < _MARKED * body and block.box.y0 > _FOOT * page.height and _MARK.match(block.text):
                    block.role = "note"


def _under(block: Block, rule: Box, page: Page, body: float) -> bool:
    """Whether a block stands under a line, at its left end, with nothing but small print below it."""
    if block.box.y0 < rule.y0 - 3 or block.box.x0 < rule.x0 - 6 or block.box.over(rule) <= 0:
        return False
    column = [b for b in page.blocks if b.box.over(block.box) > 0 and b.box.y0 > rule.y0 - 3]
    return all(b.size < _SMALLER * body for b in column) and not any(
        f.box.over(rule) > 0 and f.box.y0 > rule.y0 for f in page.figures
    )
