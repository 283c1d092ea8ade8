"""Which blocks of a page are content: text by the classifier, images by the text they stand among."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from limner.sources.html.blocks import Block, Frame
from limner.sources.html.features import Floats
from limner.sources.html.score import bundled

_SMALL = 48  # px: an image whose page says it is smaller than this, both ways, is an icon
_REPEATED = 3  # the same image this many times on a page is decoration
_ICON = re.compile(
    r"(?:^|[/_.-])(?:icons?|logos?|avatars?|sprites?|badges?|buttons?|btn|arrow|bullet|favicon|gravatar|flags?|stars?|rating|emoji"
    r"|profile[_-]?(?:pic|image|photo)|userpic|thumbs?[_-]?up|social|share|facebook|twitter|linkedin|pinterest|instagram|paypal|visa)"
    r"(?:[/_.-]|s?\d|$)",
    re.IGNORECASE,
)


def choose(blocks: Sequence[Block], frames: Sequence[Frame]) -> list[bool]:
    """True for each block that is content. `frames[0]` is the root."""
    if not blocks:
        return []
    likely = bundled().probabilities(blocks, frames)
    good: list[bool] = (likely >= 0.5).tolist()
    texts = [i for i, block in enumerate(blocks) if block.kind != "image"]
    counts = Counter(block.url for block in blocks if block.kind == "image")
    before = -1
    after = 0
    for i, block in enumerate(blocks):
        if block.kind != "image":
            before = i
            continue
        while after < len(texts) and texts[after] < i:
            after += 1
        following = texts[after] if after < len(texts) else -1
        good[i] = counts[block.url] < _REPEATED and not _icon(block) and _among(blocks, likely, i, before, following) >= 0.5
    owners = {id(block): i for i, block in enumerate(blocks) if block.kind == "image"}
    for i, block in enumerate(blocks):
        if block.kind == "caption" and block.of is not None and (owner := owners.get(id(block.of))) is not None:
            if good[i] and not _icon(blocks[owner]):
                good[owner] = True
            good[i] = good[owner]
    return good


def _icon(block: Block) -> bool:
    if block.width and block.height and block.width <= _SMALL and block.height <= _SMALL:
        return True
    return block.url[:5] != "data:" and _ICON.search(block.url.split("?")[0][-120:]) is not None


def _among(blocks: Sequence[Block], likely: Floats, image: int, before: int, after: int) -> float:
    """How likely the text around an image is content; the nearer in the tree, the more it says."""
    total = weight = 0.0
    for other in (before, after):
        if other >= 0:
            near = 1.0 / (1 + _apart(blocks[image].frame, blocks[other].frame)) ** 2
            total += near * float(likely[other])
            weight += near
    return total / weight if weight else 0.0


def _apart(a: Frame, b: Frame) -> int:
    """The number of frames between two and their nearest common one."""
    steps = 0
    x: Frame | None = a
    y: Frame | None = b
    while x is not y and x is not None and y is not None:
        if x.depth >= y.depth:
            x = x.parent
        else:
            y = y.parent
        steps += 1
    return steps
