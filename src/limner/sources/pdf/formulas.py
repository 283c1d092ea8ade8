"""Displayed formulas: what stands on lines of its own, in the fonts of mathematics.

Their glyphs do not say where a fraction or a root begins, so they are not LaTeX and are not passed off as it: a formula becomes a picture of
itself, and its glyphs, as they follow one another in the file, are the picture's alt text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from limner.sources.pdf.figures import Page
from limner.sources.pdf.layout import Block, Box, Picture
from limner.sources.pdf.marks import caption, only_mark

_MATH = re.compile(
    r"^(?:cm(?:mi|sy|ex|bsy|mib)|lm(?:math|sy|ex|mi)|ms[ab]m|euf|eus|eur|rsfs|stmary|[pt]x(?:mi|sy|ex)|(?:new)?[pt]xm?(?:mi|sy|ex)|mt(?:mi|sy|ex)|zplm|fourier-math)"
    r"|math|symbol|stix.*(?:it|sym|nonuni)",
    re.IGNORECASE,
)
_RELATION = re.compile(r"[=<>≤≥≡≈∼≅≃≠∝∈⊂⊆→⇒↔↦+−×·±∑∏∫∂√≲≳≪≫]")
_NUMBER = re.compile(r"\(\s*[A-Z]?\d{1,3}(?:[.\-]\d{1,3})*[a-z]?[′']?\s*\)")
_WORD = re.compile(r"[^\W\d_]{4,}")
_LONG = 90  # characters of one piece
_PIECE = 24  # characters of a piece that is not in a font of mathematics
_BESIDE = 40.0  # points between pieces of one row
_BELOW = 4.0  # points between rows of one formula
_MOST = 400  # pieces of a page that are looked at


def find(pages: Sequence[Page]) -> None:
    """Take the displayed formulas out of the blocks of every page; each becomes a picture, drawn, with its glyphs for a label."""
    for page in pages:
        for group in _groups(page):
            box = group[0].box
            for block in group[1:]:
                box = box.around(block.box)
            wide = Box(box.x0 - 2, box.y0 - 3, box.x1 + 2, box.y1 + 3)
            for rule in page.objects.rules:  # of fractions and roots
                if wide.holds(rule) and rule.width <= wide.width:
                    box = box.around(rule)
            page.labels[len(page.figures)] = " ".join(block.text for block in group)
            page.figures.append(Picture(Box(box.x0 - 1, box.y0 - 1, box.x1 + 1, box.y1 + 1), -1, drawn=True))
            gone = {id(block) for block in group}
            page.blocks = [b for b in page.blocks if id(b) not in gone]


def _groups(page: Page) -> list[list[Block]]:
    order = {id(block): at for at, block in enumerate(page.blocks)}
    pieces = [b for b in page.blocks if _piece(b)][:_MOST]
    seeds = [b for b in pieces if _math(b)]
    prose = [b for b in page.blocks if id(b) not in {id(p) for p in pieces}]
    found: list[list[Block]] = []
    left = list(pieces)
    for seed in seeds:
        if not any(b is seed for b in left):
            continue
        group = [seed]
        left = [b for b in left if b is not seed]
        grown = True
        while grown:
            more = [b for b in left if any(_together(b.box, g.box, page.gutter) for g in group)]
            taken = {id(b) for b in more}
            left = [b for b in left if id(b) not in taken]
            group += more
            grown = bool(more)
        if _is_formula(group, prose, page.gutter):
            found.append(_numbered(group, page) if not any(_NUMBER.fullmatch(b.text.strip()) for b in group) else group)
    for group in found:
        group.sort(key=lambda b: order[id(b)])
    return found


def _math(block: Block) -> bool:
    return sum(len(line.text) for line in block.lines if _MATH.search(line.font)) * 2 >= len(block.text)


def _piece(block: Block) -> bool:
    text = block.text
    if block.role != "paragraph" or block.mark or only_mark(text) or caption(text)[0]:
        return False
    return len(text) <= (_LONG if _math(block) else _PIECE) and len(_WORD.findall(text)) <= (2 if _math(block) else 1)


def _column(box: Box, gutter: float | None) -> int:
    return 0 if gutter is None or box.x0 < gutter < box.x1 else 1 if box.x1 <= gutter else 2


def _together(a: Box, b: Box, gutter: float | None) -> bool:
    if 0 not in (sides := {_column(a, gutter), _column(b, gutter)}) and len(sides) > 1:
        return False
    if a.beside(b) > 0.3 * min(a.height, b.height):
        return a.over(b) > -_BESIDE
    return a.over(b) > 0 and a.beside(b) > -_BELOW


def _is_formula(group: Sequence[Block], prose: Sequence[Block], gutter: float | None) -> bool:
    text = " ".join(b.text for b in group)
    if len(text.replace(" ", "")) < 3 or not _RELATION.search(text) or len(_WORD.findall(text)) > 4:
        return False
    math = sum(len(b.text) for b in group if _math(b) or (_RELATION.search(b.text) and not _WORD.search(b.text)))
    if 3 * math < len(text):
        return False
    # What stands beside a line of prose is a piece of it.
    return not any(
        b.box.beside(p.box) > 0.5 * b.box.height
        and b.box.over(p.box) > -_BESIDE
        and _column(b.box, gutter) in (0, _column(p.box, gutter))
        for b in group
        for p in prose
    )


def _numbered(group: list[Block], page: Page) -> list[Block]:
    """A formula with its number, which stands at the edge of the column."""
    box = group[0].box
    for block in group[1:]:
        box = box.around(block.box)
    inside = {id(b) for b in group}
    numbers = [
        b
        for b in page.blocks
        if id(b) not in inside and _NUMBER.fullmatch(b.text.strip()) and b.box.x0 > box.x1 and b.box.beside(box) > 0
        and (page.gutter is None or box.x1 > page.gutter or b.box.x1 < page.gutter)
    ]  # fmt: skip
    return group + numbers[:1]
