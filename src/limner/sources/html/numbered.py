"""A page as numbered blocks, for extractors that ask a model which of them are content."""

from __future__ import annotations

from html import escape

from limner.document import Document
from limner.sources.html.blocks import Block
from limner.sources.html.extract import document, parse
from limner.sources.html.extract import read as read_blocks
from limner.sources.html.limits import Limits
from limner.sources.html.metadata import Metadata, metadata

_TAGS = {
    "paragraph": "p",
    "list": "li",
    "quote": "blockquote",
    "caption": "figcaption",
    "code": "pre",
    "table": "table",
    "formula": "p",
}
_LIMITS = Limits()


class Numbered:
    """The blocks of one page; `html` shows them, `document` is made of those chosen."""

    def __init__(self, blocks: list[Block], facts: Metadata, url: str, name: str) -> None:
        self._blocks = blocks
        self._facts = facts
        self._url = url
        self._name = name

    def __len__(self) -> int:
        return len(self._blocks)

    def html(self, first: int, last: int, chars: int) -> str:
        """Blocks `first` to `last` (not included) as simple elements numbered from 1, `chars` of text in each."""
        out: list[str] = []
        for number, block in enumerate(self._blocks[first:last], 1):
            if block.kind == "image":
                out.append(f'<img _item_id="{number}" alt="{escape(block.alt[:chars])}">')
                continue
            tag = f"h{block.level or 2}" if block.kind == "heading" else _TAGS[block.kind]
            out.append(f'<{tag} _item_id="{number}">{escape(block.text[:chars])}</{tag}>')
        return "\n".join(out)

    def document(self, chosen: set[int]) -> Document:
        """The document of the blocks with these indices (from 0)."""
        kept = [i in chosen for i in range(len(self._blocks))]
        return document(self._blocks, kept, self._facts, url=self._url, name=self._name, limits=_LIMITS)


def numbered(data: bytes | str, *, url: str = "", name: str = "", charset: str = "") -> Numbered:
    """Read a page and number its blocks; raises `SourceError` as `extract` does."""
    _, tree = parse(data, charset, name or url, _LIMITS)
    blocks, _ = read_blocks(tree.body or tree.root, _LIMITS)
    return Numbered(blocks, metadata(tree, url), url, name)
