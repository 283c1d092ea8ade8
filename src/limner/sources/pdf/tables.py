"""Tables: rows of blocks that stand side by side, in the same columns from row to row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from limner.sources.pdf.layout import Block, Box

_ALIGNED = 4.0  # points: the edges of one column's cells differ by no more
_PROSE = 8  # lines: what has more stands in a column of text, not in a cell
_ROWS = 3  # rows that a table has at least; one between lines may have two
_GAP = 2.5  # times the size: rows further apart are not of one table


def tables(blocks: Sequence[Block], rules: Sequence[Box]) -> list[Block]:
    """The blocks with those of a table made one, whose text is a table in Markdown."""
    rows = _rows(blocks)
    out: list[Block] = []
    at = 0
    while at < len(rows):
        end = _end(rows, at)
        if end - at >= (2 if _between(rules, rows[at:end]) else _ROWS):
            out.append(_table(rows[at:end]))
            at = end
        else:
            out += rows[at]
            at += 1
    return out


def _rows(blocks: Sequence[Block]) -> list[list[Block]]:
    """Blocks that are on one height together, from the top."""
    rows: list[list[Block]] = []
    bottom = 0.0
    for block in sorted(blocks, key=lambda b: b.box.y0):
        if rows and block.box.y0 < bottom - 0.3 * block.size and len(block.lines) <= _PROSE:
            rows[-1].append(block)
            bottom = max(bottom, block.box.y1)
        else:
            rows.append([block])
            bottom = block.box.y1
    return [sorted(row, key=lambda b: b.box.x0) for row in rows]


def _end(rows: Sequence[Sequence[Block]], at: int) -> int:
    """Where the table that begins with a row ends: `at` itself where none does."""
    if not _is_row(rows[at]):
        return at
    columns = [b.box.x0 for b in rows[at]]
    end = at + 1
    while end < len(rows) and _is_row(rows[end]):
        row = rows[end]
        gap = min(b.box.y0 for b in row) - max(b.box.y1 for b in rows[end - 1])
        fits = sum(any(abs(b.box.x0 - x) <= _ALIGNED for x in columns) for b in row)
        if gap > _GAP * row[0].size or fits < min(len(row), len(columns)) - (len(row) > 3) or fits < 2:
            break
        columns += [b.box.x0 for b in row if all(abs(b.box.x0 - x) > _ALIGNED for x in columns)]
        end += 1
    return end


def _is_row(row: Sequence[Block]) -> bool:
    return len(row) > 1 and all(a.box.x1 <= b.box.x0 + 1 for a, b in pairwise(row))


def _between(rules: Sequence[Box], rows: Sequence[Sequence[Block]]) -> bool:
    """Whether a line runs between the first row and the second, over more than one cell."""
    if len(rows) < 2:
        return False
    bottom, top = max(b.box.y1 for b in rows[0]), min(b.box.y0 for b in rows[1])
    return any(bottom - 3 <= rule.y0 <= top + 3 and sum(rule.over(b.box) > 0 for b in rows[0]) > 1 for rule in rules)


def _table(rows: Sequence[Sequence[Block]]) -> Block:
    columns: list[float] = []
    for x in sorted(b.box.x0 for row in rows for b in row):
        if not columns or x - columns[-1] > 3 * _ALIGNED:
            columns.append(x)
    box = rows[0][0].box
    cells: list[list[str]] = []
    for row in rows:
        line = [""] * len(columns)
        for block in row:
            box = box.around(block.box)
            at = max((i for i, x in enumerate(columns) if x <= block.box.x0 + 1), default=0)
            line[at] = f"{line[at]} {block.text}".strip().replace("|", "\\|")
        cells.append(line)
    body = [f"| {' | '.join(line)} |" for line in cells]
    body.insert(1, f"|{' --- |' * len(columns)}")
    lines = [line for row in rows for block in row for line in block.lines]
    return Block(box, lines, rows[0][0].page, role="table", mark="\n".join(body))
