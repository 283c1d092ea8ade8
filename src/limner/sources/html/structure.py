"""How blocks belong together: lists and their items, figures and their captions."""

from __future__ import annotations

from collections.abc import Mapping

from limner.sources.html import signature
from limner.sources.html.blocks import Block, Context, Figure, Item, Listing
from limner.sources.html.signature import Signature

_MOST_INDENTS = 16


def inside(context: Context, found: Signature) -> Context:
    """The context inside an element with this signature."""
    flags = found.flags
    role, figure, listing, item = context.role, context.figure, context.listing, context.item
    if flags & signature.HEADING:
        return Context("heading", found.level, figure, listing, item)
    if flags & signature.FIGURE:
        figure = Figure()
    if flags & signature.CAPTION or (flags & signature.FIGURE_TITLE and figure is not None):
        return Context("caption", 0, figure, listing, item)
    if flags & signature.ITEM:
        if role != "caption":
            return Context("list", 0, figure, listing, Item(listing or Listing(False, None)))
    elif flags & signature.LIST:
        around = listing if item is not None and not item.card else None
        return Context(role, 0, figure, Listing(bool(flags & signature.ORDERED), around), None)
    elif flags & signature.QUOTE:
        return Context("quote", 0, figure, listing, item)
    elif flags & signature.CELL:
        return Context("paragraph", 0, figure, None, None)
    return context if figure is context.figure else Context(role, context.level, figure, listing, item)


def number(context: Context, attributes: Mapping[str, str | None]) -> None:
    """Count as the page says: a list from its `start`, an item from its `value`."""
    listing = context.listing
    written = attributes.get("start" if context.item is None else "value")
    if listing is not None and listing.count >= 0 and written and len(written) < 7 and written.isdecimal():
        listing.count = int(written)


def mark(block: Block, item: Item) -> None:
    """Give a list item's block its marker and its indentation."""
    listing = item.listing
    block.listing = listing.top
    block.level = min(listing.level, 6)
    indent = "  " * min(listing.level - 1, _MOST_INDENTS)
    if not item.first:
        block.marker = indent + "  "
    elif listing.count < 0:
        block.marker = indent + "- "
    else:
        block.marker = f"{indent}{listing.count}. "
        listing.count += 1
    item.first = False


def attach(figure: Figure, around: Figure | None) -> None:
    """Join a closed figure's captions to its media; what has no partner goes to the figure around it."""
    if figure.captions and figure.media:
        first = figure.media[0]
        for caption in figure.captions:
            caption.of = first
        figure.captions = []
    if around is not None:
        around.media.extend(figure.media)
        around.captions.extend(figure.captions)


def loose_captions(blocks: list[Block]) -> None:
    """Join captions outside any figure to the image just before or the image, table or code just after;
    one that has neither is a paragraph."""
    for i, block in enumerate(blocks):
        if block.kind != "caption" or block.of is not None:
            continue
        before = i - 1
        while before >= 0 and blocks[before].kind == "caption":
            before -= 1
        after = i + 1
        while after < len(blocks) and blocks[after].kind == "caption":
            after += 1
        if before >= 0 and blocks[before].kind == "image":
            block.of = blocks[before]
        elif after < len(blocks) and blocks[after].kind in ("image", "table", "code"):
            block.of = blocks[after]
        else:
            block.kind = "paragraph"
