"""Lines to blocks, and blocks into the order in which they are read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from limner.sources.pdf.layout import Block, Box, Line, bold
from limner.sources.pdf.marks import mark

_SAME = 1.12  # sizes of one block differ by no more than this factor
_NEAR = 1.0  # times the size: the widest gap between lines of a block whose spacing is not known yet
_LONG = 25  # characters: a line of prose rather than a cell of a table
_BACK = 4
_GUTTER = 6.0  # points: the narrowest space between columns
_ARM = 60.0  # points: how far a line of a wide table reaches into both columns
_TALL = 250.0  # points between two lines of one table
_CROSS = 0.3  # share of a page's lines that may cross the space between its columns


def blocks(lines: Sequence[Line], page: int) -> list[Block]:
    """Lines put together that follow one another in the page's content and stand below one another. Where two columns are
    written across, line by line, a line goes on with the one before the last."""
    out: list[Block] = []
    for line in lines:
        recent = out[-1:] if not out or len(line.text) < _LONG or len(out[-1].lines[-1].text) < _LONG else out[: -_BACK - 1 : -1]
        block = next((b for b in recent if (b is out[-1] or len(b.lines[-1].text) >= _LONG) and _continues(b, line)), None)
        if block is None:
            out.append(Block(line.box, [line], page, mark=mark(line.text)))
        else:
            block.lines.append(line)
            block.box = block.box.around(line.box)
    return out


def _continues(block: Block, line: Line) -> bool:
    last = block.lines[-1]
    if not 1 / _SAME <= line.size / max(last.size, 0.1) <= _SAME:
        return False
    if last.box.beside(line.box) > 0.5 * min(last.box.height, line.box.height):
        return False  # on the same height: another cell or column
    gap = line.box.y0 - last.box.y1
    if gap < -0.5 * line.box.height or block.box.over(line.box) <= 0:
        return False
    if mark(line.text) and abs(line.box.x0 - block.box.x0) < 3 * line.size and not _runs_on(block, line):
        return False
    if len(block.lines) == 1 and last.font != line.font and bold(last) != bold(line) and not _run_in(last, line):
        return False
    if len(block.lines) > 1:
        return gap <= block.lines[1].box.y0 - block.lines[0].box.y1 + 0.3 * line.size
    return gap <= _NEAR * line.size


def _run_in(first: Line, second: Line) -> bool:
    """Whether a line whose first word is bold is one of running text: it is as long as the next, and its bold font is known by name only,
    as of TeX's, which is asked of first words."""
    return first.weight < 600 and second.weight < 600 and first.box.x1 > second.box.x1 - 2 * first.size


def _runs_on(block: Block, line: Line) -> bool:
    """Whether a dash at the beginning of a line stands in a sentence: at the edge of a paragraph whose last line is full."""
    if line.text[:1] not in "–—-" or block.mark:
        return False
    full = block.lines[-1].box.x1 >= max(block.box.x1, line.box.x1) - line.size
    return full and abs(line.box.x0 - block.box.x0) < 1.5 and len(block.lines[-1].text) > 2 * _LONG


def gutter(found: Sequence[Block], width: float) -> float | None:
    """Where the space between the two columns of a page is, None where it has one column."""
    return _gutter(found, 0.0, width)


def columns(found: Sequence[Block], x: float | None, rules: Sequence[Box]) -> list[list[Block]]:
    """The blocks left of the space between columns, right of it, and across it; `rules` that cross it say how far down what is across reaches."""
    if x is None:
        return [list(found)]
    wide = sorted(
        (r for r in rules if r.x0 < x - _GUTTER and r.x1 > x + _GUTTER and min(x - r.x0, r.x1 - x) > _ARM), key=lambda r: r.y0
    )
    across: list[list[Block]] = []
    rest = list(found)
    for above, below in pairwise(wide):
        between = [b for b in rest if above.y0 - 2 <= b.box.y0 and b.box.y1 <= below.y1 + 2]
        # Nothing but short pieces stands in the rows of a table.
        if between and below.y0 - above.y0 < _TALL and all(len(b.lines) <= 2 for b in between):
            if (
                across
                and any(b.box.y1 <= above.y1 + 2 for b in across[-1])
                and above.y0 - max(b.box.y1 for b in across[-1]) < 2 * _GUTTER
            ):
                across[-1] += between
            else:
                across.append(between)
            taken = {id(b) for b in between}
            rest = [b for b in rest if id(b) not in taken]
    left = [b for b in rest if b.box.x1 <= x]
    right = [b for b in rest if b.box.x0 >= x]
    return [left, right, *across, [b for b in rest if b.box.x0 < x < b.box.x1]]


def ordered(found: Sequence[Block], width: float) -> list[Block]:
    """The blocks column by column; what crosses the space between columns divides them."""
    return _ordered(list(found), 0.0, width)


def _ordered(found: list[Block], left: float, right: float) -> list[Block]:
    gutter = _gutter(found, left, right)
    if gutter is None:
        return sorted(found, key=lambda block: (round(block.box.y0 / 3), block.box.x0))
    crossing = sorted((b for b in found if b.box.x0 < gutter < b.box.x1), key=lambda block: block.box.y0)
    rest = [b for b in found if not b.box.x0 < gutter < b.box.x1]
    out: list[Block] = []
    for stop in [*crossing, None]:
        above = [b for b in rest if stop is None or (b.box.y0 + b.box.y1) / 2 < stop.box.y0 + stop.box.height / 2]
        rest = [b for b in rest if b not in above]
        out += _ordered([b for b in above if b.box.x1 <= gutter], left, gutter)
        out += _ordered([b for b in above if b.box.x0 >= gutter], gutter, right)
        if stop is not None:
            out.append(stop)
    return out


def _gutter(found: Sequence[Block], left: float, right: float) -> float | None:
    """Where the space between two columns is, where there is one: a strip that few lines cross, with text on both sides."""
    total = sum(len(b.lines) for b in found)
    if total < 8:
        return None
    best: tuple[float, float] | None = None
    edges = sorted({b.box.x0 for b in found if left + 0.2 * (right - left) < b.box.x0 < left + 0.8 * (right - left)})
    for edge in edges:
        x = edge - _GUTTER / 2
        sides = [0, 0]
        crossed = 0
        for b in found:
            n = len(b.lines)
            if b.box.x1 <= x - _GUTTER / 2:
                sides[0] += n
            elif b.box.x0 >= x:
                sides[1] += n
            else:
                crossed += n
        if min(sides) >= 4 and crossed <= _CROSS * total and _side_by_side(found, x):
            best = min(best or (crossed, x), (crossed, x))
    return best[1] if best else None


def _side_by_side(found: Sequence[Block], x: float) -> bool:
    """Whether paragraphs (not cells of a table) stand on both sides of `x` at the same height."""
    ours = [b for b in found if b.box.x1 <= x and len(b.lines) > 2]
    theirs = [b for b in found if b.box.x0 >= x and len(b.lines) > 2]
    return any(a.box.beside(b.box) > 0 for a in ours for b in theirs)
