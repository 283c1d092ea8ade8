"""What of a source decides what a program does: comments, docstrings, blank lines and line breaks left out."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from hashlib import sha256

Place = tuple[int, int]

_SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
_MARKS = {tokenize.NEWLINE: "\n", tokenize.INDENT: "\n{", tokenize.DEDENT: "\n}"}
_SHOWN = ("Claim", "Panel")
"""What `limner recipe table` judges and draws anew from the figures: no figure comes from them."""


@cache
def gist_hash(source: bytes) -> str:
    """A short hash of a module's `gist`; of the bytes where they are not Python."""
    try:
        said = gist(source.decode())
    except (SyntaxError, ValueError):
        return sha256(source).hexdigest()[:12]
    return sha256(said.encode()).hexdigest()[:12]


def gist(source: str) -> str:
    """The tokens of a module, NUL between them, but comments, strings that are statements, and a recipe's claims and panels.

    It is the same under every Python that reads the source: an f-string, which some make one token of and some many, is taken as
    it is written. Raises `SyntaxError` where the source is not Python.
    """
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cut = _cut(ast.parse("\n".join(lines)), lines)
    kept: list[str] = []
    until, after = (0, 0), False
    for text, start, end in _tokens(lines):
        until = cut.get(start, until)
        if end <= until:
            after = True
            continue
        # The comma goes with the claim before it; of a docstring only the end of its line was left.
        if not (after and text == ",") and not (text == "\n" and (not kept or kept[-1] in _MARKS.values())):
            kept.append(text)
        after = False
    return "\0".join(kept)


def _tokens(lines: list[str]) -> Iterator[tuple[str, Place, Place]]:
    """What each token says, where it starts and where it ends (line from 1, column in characters)."""
    depth, began = 0, (0, 0)
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline):
        name = tokenize.tok_name[token.type]
        if name in ("FSTRING_START", "TSTRING_START"):
            began = began if depth else token.start
            depth += 1
        elif name in ("FSTRING_END", "TSTRING_END"):
            depth -= 1
            if not depth:
                yield _between(lines, began, token.end), began, token.end
        elif not depth and token.type not in _SILENT:
            yield _MARKS.get(token.type, token.string), token.start, token.end


def _between(lines: list[str], start: Place, end: Place) -> str:
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]]
    return "\n".join([lines[start[0] - 1][start[1] :], *lines[start[0] : end[0] - 1], lines[end[0] - 1][: end[1]]])


def _cut(tree: ast.Module, lines: list[str]) -> dict[Place, Place]:
    """Where the statements that are strings, and the calls of `_SHOWN`, start and end."""
    shown = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "limner.recipes.recipe"
        for alias in node.names
        if alias.name in _SHOWN
    }
    found: dict[Place, Place] = {}
    for node in ast.walk(tree):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in shown
        if isinstance(node, (ast.Expr, ast.Call)) and (text or call):
            end = _place(lines, node.end_lineno or node.lineno, node.end_col_offset or 0)
            found[_place(lines, node.lineno, node.col_offset)] = end
    return found


def _place(lines: list[str], line: int, column: int) -> Place:
    """A place whose column the parser counts in bytes of UTF-8."""
    return line, len(lines[line - 1].encode()[:column].decode())
