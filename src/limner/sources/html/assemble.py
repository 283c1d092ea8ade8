"""Blocks that were kept, to the parts of a document."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from limner.document import Image, Part, Text
from limner.sources.html.blocks import Block, Listing, place
from limner.sources.html.limits import Limits


def parts(blocks: Sequence[Block], kept: Sequence[bool], resolve: Callable[[str], str], limits: Limits) -> tuple[Part, ...]:
    """The parts, numbered from 0: the lines of a list together, captions with what they belong to."""
    found: list[Block] = []
    lists: dict[int, list[str]] = {}  # the lines of the list that part n is
    listing: Listing | None = None
    for block, good in zip(blocks, kept, strict=True):
        if not good:
            continue
        if block.kind == "list":
            if listing is not None and listing is block.listing:
                lists[len(found) - 1].append(_line(block))
                continue
            listing = block.listing
            lists[len(found)] = [_line(block)]
        else:
            listing = None
        block.n = len(found)
        found.append(block)
        if len(found) == limits.max_parts:
            break
    out: list[Part] = []
    depth = limits.max_place
    for n, block in enumerate(found):
        kind = block.kind
        where = place(block.frame, depth)
        if kind == "image":
            out.append(Image(n, "", resolve(block.url), block.alt, block.width, block.height, where))
        elif kind == "list":
            out.append(Text(n, "\n".join(lists[n]), "list", 0, "", where))
        elif kind == "caption":
            of = block.of.n if block.of is not None and block.of.n >= 0 else None
            out.append(Text(n, block.text, "caption", 0, "", where, of))
        else:
            out.append(Text(n, block.text, kind, block.level, block.language, where))  # pyright: ignore[reportArgumentType]
    return tuple(out)


def _line(block: Block) -> str:
    if "\n" not in block.text:
        return block.marker + block.text
    return block.marker + block.text.replace("\n", "\n" + " " * len(block.marker))
