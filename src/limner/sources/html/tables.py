"""Data tables as GitHub Markdown; tables that only lay a page out are left to the walk."""

from __future__ import annotations

from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from limner.sources.html.limits import Limits
from limner.sources.html.tags import ID

_SPAN = ID["span"]
_ROW, _CELL, _HEAD = ID["tr"], ID["td"], ID["th"]
_NOT_DATA = frozenset(
    ID[t] for t in ("table", "h1", "h2", "h3", "h4", "h5", "h6", "form", "article", "section", "pre", "blockquote", "nav", "hr")
)
_SPECIAL = frozenset(
    ID[t]
    for t in ("img", "math", "script", "style", "br", "button", "select", "svg", "sup", "sub", "noscript", "textarea", "object")
)
_BREAKING = frozenset(ID[t] for t in ("p", "div", "li", "br", "dd", "dt"))
_MANY_COLUMNS = 200


@dataclass(slots=True)
class Cell:
    """One cell; `special` or with more than one of `blocks` inside, its text cannot be taken in one go."""

    node: LexborNode
    header: bool
    special: bool = False
    blocks: int = 0


@dataclass(slots=True)
class Table:
    """A data table before its text is read: rows of cells, how many rows the head has, its caption."""

    rows: list[list[Cell]] = field(default_factory=list[list[Cell]])
    head: int = 0
    caption: LexborNode | None = None


def data_table(node: LexborNode, limits: Limits, sure: bool = False) -> Table | None:
    """The cells of a table of data, or None for one that lays out other things (a table inside, headings,
    forms, code, a single column or row). A table that is `sure` to be data may be small."""
    table = Table()
    rows = table.rows
    cell: Cell | None = None
    cells = images = 0
    widest = 0
    in_head = False
    for at in node.traverse():
        tag = at.tag_id
        if tag == _CELL or tag == _HEAD:
            if not rows:
                rows.append([])
            cell = Cell(at, tag == _HEAD)
            rows[-1].append(cell)
            widest = max(widest, len(rows[-1]))
            cells += 1
            if cells > limits.max_table_cells:
                return None
        elif tag == _ROW:
            if in_head:
                table.head += 1
            rows.append([])
        elif tag in _NOT_DATA:
            if at.mem_id != node.mem_id:
                return None
        elif tag == ID["thead"]:
            in_head = True
        elif tag == ID["tbody"] or tag == ID["tfoot"]:
            in_head = False
        elif tag == ID["caption"]:
            table.caption = at
        elif cell is not None:
            if tag in _SPECIAL:
                cell.special = True
                images += tag == ID["img"]
            elif tag in _BREAKING:
                cell.blocks += 1
            elif tag == _SPAN and not cell.special:
                cell.special = bool(at.attributes)  # a formula, or hidden: the walk of the cell looks at it
    table.rows = [row for row in rows if row]
    if not table.rows or (sure and not images):
        return table if table.rows else None
    if widest < 2 or (len(table.rows) == 1 and not table.rows[0][0].header):
        return None
    if images * 2 > cells and not table.head:
        return None
    return table


def markdown(rows: list[list[str]], spans: list[list[tuple[int, int]]], limits: Limits) -> str:
    """Rows of cell texts as a GitHub Markdown table, the first row as its head. A cell over several columns
    or rows (`spans`: columns, rows) stands in the first of them; the others are empty."""
    grid: list[list[str]] = []
    held: dict[int, int] = {}  # column -> rows still covered by a cell above
    total = 0
    for texts, sizes in zip(rows, spans, strict=True):
        line: list[str] = []
        below: dict[int, int] = {}
        for text, (columns, height) in zip(texts, sizes, strict=True):
            while held.get(len(line)):
                line.append("")
            start = len(line)
            line.append(text)
            line.extend([""] * (min(columns, _MANY_COLUMNS) - 1))
            if height > 1:
                below.update(dict.fromkeys(range(start, len(line)), height))
        while held.get(len(line)):
            line.append("")
        held = {c: n - 1 for c, n in held.items() if n > 1}
        held.update({c: n - 1 for c, n in below.items()})
        grid.append(line)
        total += len(line)
        if total > limits.max_table_cells:
            break
    width = min(max(map(len, grid)), _MANY_COLUMNS)
    out = ["| " + " | ".join((line + [""] * (width - len(line)))[:width]) + " |" for line in grid]
    out.insert(1, "|" + " --- |" * width)
    return "\n".join(out)


def span(cell: LexborNode) -> tuple[int, int]:
    """The columns and rows a cell covers, at least one each."""
    attributes = cell.attributes
    if not attributes:
        return 1, 1
    return _count(attributes.get("colspan")), _count(attributes.get("rowspan"))


def _count(value: str | None) -> int:
    return min(max(int(value), 1), 1000) if value and value.isascii() and value.isdigit() and len(value) < 6 else 1
