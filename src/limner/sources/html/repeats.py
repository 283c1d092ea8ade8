"""A picture that a page shows again (thumbnails, light boxes, the same icon in every row) is one image of its document."""

from __future__ import annotations

import re
from collections.abc import Sequence

from limner.sources.html.blocks import Block

# What makes an address one of several sizes of a picture: a query behind a file's name, WordPress's -300x200.
_QUERY = re.compile(r"(\.(?:jpe?g|png|gif|webp|avif|svg))[?;].*\Z", re.IGNORECASE)
_SIZE = re.compile(r"[-_]\d{2,4}x\d{2,4}(?=\.[a-z]{3,4}\Z)", re.IGNORECASE)


def picture(url: str) -> str:
    """What addresses of one picture in several sizes have in common.

    >>> picture("a/boat-300x200.jpg?w=300") == picture("a/boat-1024x683.jpg")
    True
    """
    return _SIZE.sub("", _QUERY.sub(r"\1", url)) if url[:5] != "data:" else url


def once(blocks: Sequence[Block], kept: list[bool]) -> list[bool]:
    """`kept`, with each picture kept in one place: where it has a caption, else where it is first."""
    captioned = {id(block.of) for block in blocks if block.of is not None}
    places: dict[str, list[int]] = {}
    for i, block in enumerate(blocks):
        if kept[i] and block.kind == "image":
            places.setdefault(picture(block.url), []).append(i)
    for shown in places.values():
        if len(shown) > 1:
            best = next((i for i in shown if id(blocks[i]) in captioned), shown[0])
            for i in shown:
                # Two captions are two figures, though they show one picture.
                kept[i] = i == best or id(blocks[i]) in captioned
    return kept
