"""What the walk yields: blocks of text, code, tables, formulas and images, each with the frame it stood in."""

from __future__ import annotations

from limner.sources.html.signature import Signature


class Figure:
    """What a figure holds: the `media` (images, tables, code) its `captions` belong to."""

    __slots__ = ("captions", "media")

    def __init__(self) -> None:
        self.captions: list[Block] = []
        self.media: list[Block] = []


class Listing:
    """A list: how deep it is nested, the next ordinal of its items (-1 where they are not numbered), and the
    outermost list around it."""

    __slots__ = ("count", "level", "top")

    def __init__(self, ordered: bool, around: Listing | None) -> None:
        self.count: int = 1 if ordered else -1
        self.level: int = 1 if around is None else around.level + 1
        self.top: Listing = self if around is None else around.top


class Item:
    """A list item: whether it still has no text (`first`), and whether it is a card, one with a heading or a
    picture before its text, whose text is paragraphs."""

    __slots__ = ("card", "first", "listing")

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.first = True
        self.card = False


class Context:
    """What text inside a frame is (`role`, and a heading's `level`), and the figure, list and item around it."""

    __slots__ = ("figure", "item", "level", "listing", "role")

    def __init__(self, role: str, level: int, figure: Figure | None, listing: Listing | None, item: Item | None) -> None:
        self.role = role
        self.level = level
        self.figure = figure
        self.listing = listing
        self.item = item


class Frame:
    """An open block-level element. `index` is its position among its parent's element children, `start` and
    `end` the blocks it holds. The classifier numbers the frames it looks at (`ordinal`, `path`: a hash of the
    signatures from the root); `where` is the frame's place once it was asked for."""

    # No __slots__: what most frames never set stays on the class, and making one takes half the time.
    ordinal = 0
    path = 0
    where = ""
    end = 0

    def __init__(self, parent: Frame | None, index: int, signature: Signature, context: Context, start: int) -> None:
        self.parent = parent
        self.index = index
        self.signature = signature
        self.context = context
        self.start = start
        self.depth: int = parent.depth + 1 if parent is not None else 0


class Block:
    """A block in reading order. `kind` is a role of `limner.document.Text`, or `image`; `links` the number
    of characters inside links; `of` what a caption belongs to; `listing` the outermost list of a line, `marker`
    what stands before it."""

    level = 0
    language = ""
    marker = ""
    listing: Listing | None = None
    of: Block | None = None
    url = ""
    alt = ""
    width = 0
    height = 0
    n = -1

    def __init__(self, kind: str, text: str, frame: Frame, links: int = 0) -> None:
        self.kind = kind
        self.text = text
        self.frame = frame
        self.links = links


def place(frame: Frame, limit: int) -> str:
    """`dom:` and the child indices from the root element; "" for a frame deeper than `limit`."""
    where = frame.where
    parent = frame.parent
    if where or parent is None:
        return where
    if frame.depth > limit:
        return ""
    above = parent.where or place(parent, limit)
    where = frame.where = f"{above}/{frame.index}" if above else f"dom:{frame.index}"
    return where
