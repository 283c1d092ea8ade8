"""Marks of items that are drawn and not written: the triangles and balls of slides, squares of office programs.

A mark becomes the word that it stands for, before the line that it stands at: what comes after treats it as written.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from limner.sources.pdf.layout import Box, Line

_AFTER = 2.5  # times the size: an item's text begins no further from its mark
_TALL = 1.3  # times the size: a mark is no higher


def written(lines: Sequence[Line], drawn: Sequence[Box]) -> list[Line]:
    """The lines, with a bullet before each at whose beginning a mark is drawn, and numbers that stand in one as numbers of items. What
    stands in a row of such marks, as the dots of a bar that shows how far a talk has come, is none."""
    marks = _alone(drawn)
    if not marks:
        return list(lines)
    tops = [box.y0 for box in marks]
    out: list[Line] = []
    for line in lines:
        near = marks[bisect_left(tops, line.box.y0 - _TALL * line.size) : bisect_left(tops, line.box.y1)]
        if line.text.isdigit() and len(line.text) <= 2:
            if any(box.holds(line.box) for box in near):
                line = _with(line, [(f"{line.text}.", line.box.x0, line.box.x1)], line.box)
        else:
            mark = next((box for box in near if _before(box, line)), None)
            if mark is not None and not any(_between(mark, other, line) for other in lines):
                box = line.box.around(Box(mark.x0, line.box.y0, mark.x1, line.box.y1))
                line = _with(line, [("•", mark.x0, mark.x1), *line.words], box)
        out.append(line)
    return out


def _with(line: Line, words: list[tuple[str, float, float]], box: Box) -> Line:
    return Line(box, words, line.size, line.font, line.weight, line.hyphen)


def _alone(drawn: Sequence[Box]) -> list[Box]:
    """Those that have no like beside them, from the top; what is drawn of several pieces counts once."""
    found: list[Box] = []
    for box in sorted(drawn, key=lambda box: (box.y0, box.x0)):
        last = found[-1] if found else None
        if last is not None and last.over(box) > 0 and last.beside(box) > 0:
            found[-1] = last.around(box)
        else:
            found.append(box)
    rows: dict[int, int] = {}
    for box in found:
        rows[round(box.y1)] = rows.get(round(box.y1), 0) + 1
    return [box for box in found if rows[round(box.y1)] <= 2]


def _before(mark: Box, line: Line) -> bool:
    middle = (mark.y0 + mark.y1) / 2
    return (
        0 <= line.box.x0 - mark.x1 <= _AFTER * line.size
        and line.box.y0 - 0.1 * line.size <= middle <= line.box.y1 + 0.1 * line.size
        and 0.15 * line.size <= mark.height <= _TALL * line.size
    )


def _between(mark: Box, other: Line, line: Line) -> bool:
    """Whether another line ends between a mark and a line, or holds the mark."""
    return other is not line and other.box.beside(line.box) > 0 and mark.x0 - line.size <= other.box.x1 <= line.box.x0 + 1
