"""Blocks that were kept, to the parts of a document."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from limner.document import Image, Part, Text
from limner.sources.html.blocks import Block, Listing, place
from limner.sources.html.limits import Limits


def parts(blocks: Sequence[Block], kept: Sequence[bool], resolve: Callable[[str], str], limits: Limits) -> tuple[Part, ...]:
    """The parts, numbered from 0: the lines of a list together, captions with what they belong to."""
    most, depth = limits.max_parts, limits.max_place
    out: list[Part] = []
    captions: list[tuple[int, Block, str]] = []
    lists: list[tuple[int, list[str], str]] = []
    listing: Listing | None = None
    n = 0
    for block, good in zip(blocks, kept, strict=True):
        if not good:
            continue
        kind = block.kind
        if listing is not None:
            if kind == "list" and listing is block.listing:
                lists[-1][1].append(_line(block))
                continue
            listing = None
        if n == most:
            break
        where = place(block.frame, depth)
        if kind == "image":
            out.append(Image(n, "", resolve(block.url), block.alt, block.width, block.height, where))
        else:
            part = Text(n, block.text, kind, block.level, block.language, where)  # type: ignore[arg-type]
            if kind == "list":
                listing = block.listing
                lists.append((n, [_line(block)], where))
            elif kind == "caption":
                captions.append((n, block, where))
            out.append(part)
        block.n = n
        n += 1
    for n, lines, where in lists:
        out[n] = Text(n, "\n".join(lines), "list", 0, "", where)
    for n, block, where in captions:
        if block.of is not None and block.of.n >= 0:
            out[n] = Text(n, block.text, "caption", 0, "", where, block.of.n)
    return tuple(out)


def _line(block: Block) -> str:
    if "\n" not in block.text:
        return block.marker + block.text
    return block.marker + block.text.replace("\n", "\n" + " " * len(block.marker))
