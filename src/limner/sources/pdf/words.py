"""Lines joined to running text: hyphens at their ends mended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set

from limner.sources.pdf.layout import Block, Line

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def vocabulary(pages: Iterable[Sequence[Block]]) -> set[str]:
    """The words that stand whole somewhere in the document, hyphens within them kept."""
    found: set[str] = set()
    for blocks in pages:
        for block in blocks:
            for line in block.lines:
                words = line.words[:-1] if line.hyphen else line.words
                for word, _, _ in words:
                    found.update(_WORD.findall(word.lower()))
    return found


def joined(lines: Sequence[Line], known: Set[str]) -> str:
    """The text of lines. A word divided at a line's end is put together; its hyphen stays where the document has the word with
    it and not without."""
    out = ""
    hyphen = False
    for line in lines:
        text = line.text
        if out and hyphen and text:
            out = _mended(out, text, known)
        else:
            out = f"{out} {text}" if out else text
        hyphen = line.hyphen
    return out


def _mended(out: str, text: str, known: Set[str]) -> str:
    head = out.rstrip("-‐")
    first = re.split(r"[-\s]", text, maxsplit=1)[0]
    before = (re.findall(r"[^\W\d_]+$", head) or [""])[0].lower()
    after = (re.match(r"[^\W\d_]+", first) or [""])[0].lower()
    if not before or not after or not text[0].islower() or (f"{before}-{after}" in known and before + after not in known):
        return f"{head}-{text}"
    return head + text


def run_on(before: str, last: Line, text: str, known: Set[str]) -> str:
    """A paragraph with the rest of it, from the next column or page. `last` is the last line before."""
    return _mended(before, text, known) if last.hyphen else f"{before} {text}"
