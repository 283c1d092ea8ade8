"""What stands on one row and was taken apart: the mark of an item and its text, a line of prose around an icon or a wide space."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from limner.sources.pdf.layout import Block, Box, Line
from limner.sources.pdf.marks import caption, only_mark

_MARK = 4.0  # times the size: an item's text is no further from its mark
_ICON = 3.0  # times the size: an icon in a line is no wider
_EDGE = 2.0  # points: lines of one column begin and end within this
_LONG = 40  # characters: a line of prose
_MANY = 4  # such lines make the edge of a column
_SAME = 1.2  # sizes differ by no more than this factor


def mended(blocks: Sequence[Block], gutter: float | None) -> list[Block]:
    """The blocks with the pieces of one row put together; `gutter` is where the space between columns is."""
    found = _marked(list(blocks))
    found = _inside(found)
    return _across(found, gutter)


def _beside(a: Box, b: Box) -> bool:
    return a.beside(b) > 0.5 * min(a.height, b.height)


def _alike(a: Line, b: Line) -> bool:
    return 1 / _SAME <= a.size / max(b.size, 0.1) <= _SAME


def _put(line: Line, other: Line) -> None:
    if other.box.x0 > line.box.x0:
        line.hyphen = other.hyphen
    line.words = sorted((*line.words, *other.words), key=lambda word: word[1])
    line.box = line.box.around(other.box)


def _marked(blocks: list[Block]) -> list[Block]:
    """Marks of items joined with the text that stands to their right."""
    gone: set[int] = set()
    _, rights = _edges(blocks)  # where numbers of formulas stand
    for block in blocks:
        if len(block.lines) != 1 or len(block.text) > 6 or not only_mark(block.text) or _near(block.box.x1, rights):
            continue
        right = [
            b
            for b in blocks
            if b is not block
            and id(b) not in gone
            and 0 <= b.box.x0 - block.box.x1 <= _MARK * b.size
            and _beside(b.lines[0].box, block.box)
        ]
        if right:
            text = min(right, key=lambda b: b.box.x0)
            _put(text.lines[0], block.lines[0])
            text.box = text.box.around(block.box)
            text.mark = block.text
            gone.add(id(block))
    return [b for b in blocks if id(b) not in gone]


def _inside(blocks: list[Block]) -> list[Block]:
    """Pieces of a line put back into the paragraph that stands around them."""
    gone: set[int] = set()
    several = [b for b in blocks if len(b.lines) > 1]
    for block in blocks:
        if len(block.lines) != 1 or not several:
            continue
        piece = block.lines[0]
        for other in several:
            box = other.box
            if other is block or piece.box.x0 < box.x0 - _EDGE or piece.box.x1 > box.x1 + _EDGE or piece.box.beside(box) <= 0:
                continue
            line = next((x for x in other.lines if _beside(x.box, piece.box) and _alike(x, piece)), None)
            if line is not None and (piece.box.x1 <= line.box.x0 + 1 or piece.box.x0 >= line.box.x1 - 1):
                _put(line, piece)
                gone.add(id(block))
                break
    return [b for b in blocks if id(b) not in gone]


def _across(blocks: list[Block], gutter: float | None) -> list[Block]:
    """Rows that reach from one edge of a column of text to the other, made one line."""
    lefts, rights = _edges(blocks)
    owner = {id(line): block for block in blocks for line in block.lines}
    rows: list[list[tuple[Block, Line]]] = []
    for block, line in sorted(((b, x) for b in blocks for x in b.lines), key=lambda p: (round(p[1].box.y1 / 2), p[1].box.x0)):
        last = rows[-1][-1][1] if rows else None
        if (
            last is not None
            and _beside(last.box, line.box)
            and -1 <= line.box.x0 - last.box.x1 <= _ICON * line.size
            and _alike(last, line)
        ):
            rows[-1].append((block, line))
        else:
            rows.append([(block, line)])
    for row in rows:
        first, rest = row[0][1], [(owner[id(line)], line) for _, line in row[1:]]
        block = owner[id(first)]
        if not rest or sum(len(line.text) for _, line in row) < _LONG:
            continue
        if block.lines[-1] is not first and any(len(other.lines) > 1 or other is block for other, _ in rest):
            continue
        if not caption(first.text)[0] and not (_near(first.box.x0, lefts) and _near(rest[-1][1].box.x1, rights)):
            continue
        for other, line in rest:
            if other is block or other.lines[0] is not line:
                break
            _put(first, line)
            other.lines.remove(line)
            if other.lines and other.lines[0].box.y0 - first.box.y1 < first.size:
                owner.update((id(moved), block) for moved in other.lines)
                block.lines += other.lines
                other.lines = []
        for changed in (block, *(b for b, _ in rest)):
            if changed.lines:
                box = changed.lines[0].box
                for line in changed.lines:
                    box = box.around(line.box)
                changed.box = box
    return [b for b in blocks if b.lines]


def _edges(blocks: Sequence[Block]) -> tuple[set[int], set[int]]:
    lefts: Counter[int] = Counter()
    rights: Counter[int] = Counter()
    for block in blocks:
        for line in block.lines:
            if len(line.text) >= _LONG:
                lefts[round(line.box.x0)] += 1
                rights[round(line.box.x1)] += 1
    return {x for x, n in lefts.items() if n >= _MANY}, {x for x, n in rights.items() if n >= _MANY}


def _near(x: float, edges: set[int]) -> bool:
    return any(abs(x - edge) <= _EDGE for edge in edges)
