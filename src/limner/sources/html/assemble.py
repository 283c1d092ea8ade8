"""Blocks that were kept, to the parts of a document."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from limner.document import Image, Part, Text
from limner.sources.html.blocks import Block, place
from limner.sources.html.limits import Limits


def parts(blocks: Sequence[Block], kept: Sequence[bool], resolve: Callable[[str], str], limits: Limits) -> tuple[Part, ...]:
    """The parts, numbered from 0: list lines of one list together, captions with what they belong to."""
    chosen = [block for block, good in zip(blocks, kept, strict=True) if good]
    groups = _grouped(chosen)[: limits.max_parts]
    for n, group in enumerate(groups):
        for block in group:
            block.n = n
    out: list[Part] = []
    depth = limits.max_place
    for n, group in enumerate(groups):
        block = group[0]
        where = place(block.frame, depth)
        if block.kind == "image":
            out.append(Image(n, "", resolve(block.url), block.alt, block.width, block.height, where))
        elif block.kind == "list":
            out.append(Text(n, "\n".join(map(_line, group)), "list", place=where))
        elif block.kind == "caption":
            of = block.of.n if block.of is not None and block.of.n >= 0 else None
            out.append(Text(n, block.text, "caption", place=where, of=of))
        else:
            out.append(Text(n, block.text, block.kind, block.level, block.language, where))  # type: ignore[arg-type]
    return tuple(out)


def _grouped(blocks: list[Block]) -> list[list[Block]]:
    groups: list[list[Block]] = []
    for block in blocks:
        if block.kind == "list" and groups:
            last = groups[-1][-1]
            if last.kind == "list" and last.listing is block.listing:
                groups[-1].append(block)
                continue
        groups.append([block])
    return groups


def _line(block: Block) -> str:
    if "\n" not in block.text:
        return block.marker + block.text
    indent = " " * (len(block.marker) if block.marker.strip() else len(block.marker))
    return block.marker + block.text.replace("\n", "\n" + indent)
