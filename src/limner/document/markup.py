"""The light markup inside text parts, taken apart: tables of GitHub Markdown, lists of one item a line, inline formulas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

MAX_ROWS = 2_000
"""No more rows of a table, or items of a list, are taken apart: pages for people need no more."""

_RULE = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*\Z")
_CELLS = re.compile(r"(?<!\\)\|")
_ITEM = re.compile(r"( *)(?:([-*+•])|(\d{1,9})[.)])(?:\s+|\Z)(.*)", re.DOTALL)
# Pandoc's rule, so that prices are left alone: no space inside the dollars, no digit behind them.
_MATH = re.compile(r"(?<![\\$])\$(?=[^\s$])([^$\n]{1,1000}?)(?<=[^\s\\])\$(?![\d$])")


@dataclass(frozen=True, slots=True)
class Table:
    """A table's head and rows, all of one width; `left_out` rows were beyond `MAX_ROWS`."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list: how deep it is nested, its number ("" in a list of bullets), its text."""

    depth: int
    number: str
    text: str


def table(text: str) -> Table | None:
    """The table that Markdown writes, or None where it is not one.

    >>> table("| a | b |\\n| --- | --- |\\n| 1 | x \\\\| y |").rows
    (('1', 'x | y'),)
    """
    lines = text.strip().split("\n")
    if len(lines) < 2 or not _RULE.match(lines[1][:10_000]):
        return None
    head = _row(lines[0])
    rows = [_row(line) for line in islice(lines, 2, MAX_ROWS + 2) if line.strip()]
    width = max([len(head), *map(len, rows)])
    fill = ("",) * width
    return Table((head + fill)[:width], tuple((row + fill)[:width] for row in rows), max(len(lines) - 2 - MAX_ROWS, 0))


def _row(line: str) -> tuple[str, ...]:
    line = line.strip().removeprefix("|")
    if line.endswith("|") and not line.endswith("\\|"):
        line = line[:-1]
    return tuple(cell.strip().replace("\\|", "|") for cell in _CELLS.split(line))


def items(text: str) -> list[Item]:
    """The items of a list part; a line without a mark goes on with the item before it.

    >>> [(i.depth, i.number, i.text) for i in items("- a\\n  - b\\n2. c")]
    [(0, '', 'a'), (1, '', 'b'), (0, '2', 'c')]
    """
    found: list[Item] = []
    for line in islice(text.split("\n"), MAX_ROWS):
        match = _ITEM.match(line)
        if match:
            depth = min(len(match[1]) // 2, 12, found[-1].depth + 1 if found else 0)
            found.append(Item(depth, match[3] or "", match[4].strip()))
        elif found and line.strip():
            found[-1] = Item(found[-1].depth, found[-1].number, f"{found[-1].text}\n{line.strip()}")
        elif line.strip():
            found.append(Item(0, "", line.strip()))
    return found


def spans(text: str) -> list[tuple[bool, str]]:
    """The text cut into stretches, each with whether it is a formula (LaTeX, without its dollars).

    >>> spans("so $x^2$ costs $5 or $6")
    [(False, 'so '), (True, 'x^2'), (False, ' costs $5 or $6')]
    """
    out: list[tuple[bool, str]] = []
    at = 0
    for match in _MATH.finditer(text):
        if match.start() > at:
            out.append((False, text[at : match.start()]))
        out.append((True, match[1]))
        at = match.end()
    if at < len(text):
        out.append((False, text[at:]))
    return out
