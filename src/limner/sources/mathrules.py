r"""Formulas in Markdown: rules that keep TeX from being read as emphasis and escapes.

CommonMark knows no formulas: `$a_1*b_2*c$` would lose its stars, and `\\` at the end of a line of a matrix its second backslash. What counts as a
formula is what Pandoc's `tex_math_dollars` takes between dollar signs (so that prices stay text), `$$…$$`, `\(…\)` and `\[…\]` (with one backslash
or two, as Markdown escapes them) where what is between looks like TeX, and the environments that MathJax sets.
Each search is bounded, so that a hostile file costs no more than its length.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_MOST = 5_000  # characters of a formula
_LINES = 200
_ENVIRONMENT = r"(?:equation|align|alignat|gather|multline|eqnarray|displaymath|math)\*?"
_INLINE = re.compile(
    r"(?P<displayed>\$\$(?P<a>[^$]{1,5000}?)\$\$)"
    r"|\$(?P<b>(?:[^\s$\\]|\\.)(?:(?:[^$\\]|\\.){0,1000}?(?:[^\s$\\]|\\.))??)\$(?![0-9])"
    r"|(?P<slash>\\{1,2})\((?P<c>.{1,1000}?)(?P=slash)\)"
    r"|(?P<slashes>\\{1,2})\[(?P<d>.{1,5000}?)(?P=slashes)\]"
    rf"|(?P<e>\\begin\{{(?P<name>{_ENVIRONMENT})\}}.{{1,5000}}?\\end\{{(?P=name)\}})",
    re.DOTALL,
)
_LIKE = re.compile(r"\\[a-zA-Z]|[=^_{}<>+]|\A\s*[a-zA-Z]\s*\Z")
_BEGINS = re.compile(rf"[ \t]*(?:\$\$|\\{{1,2}}\[|\\begin\{{(?P<name>{_ENVIRONMENT})\}})")
_ENDS = re.compile(r"\$\$|\\\]|\\end\{")
_BLOCK = re.compile(
    r"\s*(?:\$\$(?P<a>.{1,5000}?)\$\$|(?P<slash>\\{1,2})\[(?P<b>.{1,5000}?)(?P=slash)\]"
    rf"|(?P<c>\\begin\{{(?P<name>{_ENVIRONMENT})\}}.{{1,5000}}?\\end\{{(?P=name)\}}))\s*(?:\([\w:.-]{{1,80}}\))?\s*\Z",
    re.DOTALL,
)


def with_formulas(markdown: MarkdownIt) -> MarkdownIt:
    """The parser with rules for formulas, which are rendered as Sphinx writes them."""
    markdown.inline.ruler.before("escape", "formula", _inline)
    markdown.block.ruler.before("fence", "formula", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    rules: dict[str, Any] = markdown.renderer.rules  # type: ignore[attr-defined]
    rules["formula"] = _rendered
    return markdown


def displayed(tex: str) -> str:
    """The HTML of a display formula."""
    return f'<div class="math">\\[{escape(tex.strip())}\\]</div>\n'


def _rendered(tokens: Any, index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    if token.block:
        return displayed(token.content)
    start, end = ("\\[", "\\]") if token.markup == "display" else ("\\(", "\\)")
    return f'<span class="math">{start}{escape(token.content.strip())}{end}</span>'


def _closes(source: str, at: int, end: int) -> bool:
    """Whether what may begin a formula at `at` has an end near by. A plain search first: patterns that look for it cost a thousand times as much."""
    start = source[at : at + 3].lstrip("\\")[:1] if source[at] == "\\" else "$"
    closing = {"$": "$", "(": "\\)", "[": "\\]", "b": "\\end{"}.get(start)
    return closing is not None and source.find(closing, at + 2 - (start == "$"), min(at + _MOST + 100, end)) >= 0


def _inline(state: StateInline, silent: bool) -> bool:
    source, at = state.src, state.pos
    if source[at] not in "$\\" or not _closes(source, at, state.posMax):
        return False
    found = _INLINE.match(source, at, min(state.posMax, at + _MOST + 100))
    if found is None:
        return False
    tex = found["a"] or found["b"] or found["c"] or found["d"] or found["e"]
    if not tex.strip() or not (found["b"] or _LIKE.search(tex)):
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content = tex
        token.markup = "" if found["b"] or found["c"] else "display"
    state.pos = found.end()
    return True


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    at = state.bMarks[start] + state.tShift[start]
    if state.is_code_block(start) or not _BEGINS.match(state.src, at, state.eMarks[start]):
        return False
    if not _closes(state.src, at, state.eMarks[min(end, start + _LINES) - 1]):
        return False
    for last in range(start, min(end, start + _LINES)):
        if last > start and not state.isEmpty(last) and state.sCount[last] < state.blkIndent:
            return False  # the list or quotation that it stands in has ended
        if not _ENDS.search(state.src, state.bMarks[last], state.eMarks[last]):
            continue
        text = state.getLines(start, last + 1, state.blkIndent, False)
        if len(text) > _MOST:
            return False
        if found := _BLOCK.fullmatch(text):
            tex = found["a"] or found["b"] or found["c"]
            if not tex.strip():
                return False
            if not silent:
                token = state.push("formula", "math", 0)
                token.content, token.block, token.map = tex, True, [start, last + 1]
                state.line = last + 1
            return True
    return False
