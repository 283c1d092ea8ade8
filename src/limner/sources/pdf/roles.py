"""What each block is: heading, item of a list, code, caption, paragraph."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from limner.sources.pdf.layout import SCAN, Block, bold
from limner.sources.pdf.marks import caption, numbered

_MONO = re.compile(r"mono|courier|typewriter|consol|menlo|cmtt|nimbusmon|code(?!c)|inconsol|lucidasanstyp", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{4,}")
_END = re.compile(r"[.!?;,]\s*$")


def body_size(pages: Sequence[Sequence[Block]]) -> float:
    """The size that most characters have, in points."""
    sizes: Counter[float] = Counter()
    for blocks in pages:
        for block in blocks:
            for line in block.lines:
                sizes[round(line.size * 2) / 2] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def assign(pages: Sequence[Sequence[Block]], outline: Sequence[Mapping[str, int]], heights: Sequence[float]) -> None:
    """Give every block its role. `outline` has the document's bookmarks to each page: their titles, squeezed, and levels (1-6)."""
    body = body_size(pages)
    sizes = sorted({_round(b.size) for blocks in pages for b in blocks if _could_head(b, body)}, reverse=True)[:6]
    outlined = any(outline)
    for blocks, titles, height in zip(pages, outline, heights, strict=True):
        for block in blocks:
            if block.role not in ("table", "note"):
                _assign(block, body, sizes, titles, outlined, height)


def _assign(block: Block, body: float, sizes: Sequence[float], titles: Mapping[str, int], outlined: bool, height: float) -> None:
    level = titles.get(squeezed(block.text), 0)
    if level and len(block.lines) <= 4:
        block.role, block.level = "heading", level
    elif all(_MONO.search(line.font) for line in block.lines):
        block.role = "code"
    elif caption(block.text)[0] and len(block.text) < 1_500:
        block.role = "caption"
    elif block.mark:
        block.role = "list"
    elif _could_head(block, body):
        block.role = "heading"
        depth = numbered(block.text)
        block.level = min(depth or sizes.index(_round(block.size)) + 1 if _round(block.size) in sizes else 6, 6)
        if outlined and not depth:
            block.level = max(block.level, 2)


def _could_head(block: Block, body: float) -> bool:
    text = block.text
    if len(block.lines) > 3 or not 2 < len(text) <= 200 or block.role == "table" or not any(c.isalpha() for c in text):
        return False
    if block.mark and not numbered(text):
        return False
    if block.lines[0].font == SCAN:
        # A letter that stands high, or a formula, makes a box larger: what heads a section on a scan is short and has words.
        return block.size >= 1.25 * body and len(text) <= 80 and not _END.search(text) and bool(_WORD.search(text))
    if block.size >= 1.15 * body:
        return not text.endswith((".", ",", ";")) or len(text) < 60
    return all(bold(line) for line in block.lines) and len(text) <= 120 and not _END.search(text) and block.size >= 0.88 * body


def _round(size: float) -> float:
    return round(size * 2) / 2


def squeezed(text: str) -> str:
    """The text by its letters and digits only, to compare a bookmark with what stands on the page."""
    return re.sub(r"[\W_]+", "", text).lower()
