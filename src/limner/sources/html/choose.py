"""Which blocks of a page are content: text by the classifier, images by the text they stand among."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from limner.sources.html.blocks import Block, Frame
from limner.sources.html.cut import taken
from limner.sources.html.features import Floats
from limner.sources.html.pictures import content_images
from limner.sources.html.score import bundled
from limner.sources.html.signature import BOILER
from limner.sources.html.tags import ID

# These two make documents whole; the word F1 of train_blocks.py hardly depends on them.
_LIST_SHARE = 0.6  # a list of which this share (of its text) is content is content
_GAP, _GAP_LIKELY = 3, 0.3  # so many blocks in a row between two of content are content, if each is this likely
_WHOLE = frozenset((ID["dl"], ID["figure"], ID["table"]))
_FRAGMENT = 400  # characters: with so little text, what is not named as something else is content
_TITLE_NEAR = 12  # blocks: author, date, sharing stand between
_SMALL = 48  # px: an image whose page says it is smaller than this, both ways, is an icon
_ICON = re.compile(
    r"(?:^|[/_.-])(?:icons?|logos?|avatars?|sprites?|badges?|buttons?|btn|arrow|bullet|favicon|gravatar|flags?|stars?|rating|emoji"
    r"|profile[_-]?(?:pic|image|photo)|userpic|thumbs?[_-]?up|social|share|facebook|twitter|linkedin|pinterest|instagram|paypal|visa)"
    r"(?:[/_.-]|s?\d|$)",
    re.IGNORECASE,
)


def choose(blocks: Sequence[Block], frames: Sequence[Frame], likely: Floats | None = None) -> list[bool]:
    """True for each block that is content. `frames[0]` is the root; `likely` (blocks,) are the probabilities of another
    classifier than the bundled one."""
    if not blocks:
        return []
    if sum(len(block.text) for block in blocks) <= _FRAGMENT:
        return [not _boilerplate(block.frame) and not (block.kind == "image" and _icon(block)) for block in blocks]
    if likely is None:
        likely = bundled().probabilities(blocks, frames)
    good = texts_kept(blocks, likely)
    _between(blocks, frames, good)
    images = [i for i, block in enumerate(blocks) if block.kind == "image"]
    for i, chosen in zip(images, content_images(blocks, likely, good), strict=True):
        good[i] = chosen
    at = {id(block): i for i, block in enumerate(blocks)}
    for i, block in enumerate(blocks):
        # A caption stands and falls with its image; a small table or listing is known by the caption it has.
        if block.kind == "caption" and (owner := at.get(id(block.of))) is not None:
            good[i] = good[owner] = good[owner] or (good[i] and blocks[owner].kind != "image")
    return good


def texts_kept(blocks: Sequence[Block], likely: Floats) -> list[bool]:
    """The choice of text, by likelihood `likely` (images are still to be chosen)."""
    good = _smooth(blocks, likely)
    _title(blocks, good)
    return good


def _smooth(blocks: Sequence[Block], likely: Floats) -> list[bool]:
    """The choice by likelihood, lists made whole and small gaps filled."""
    lengths = np.fromiter([len(block.text) for block in blocks], np.float32, len(blocks))
    good: list[bool] = taken(likely, lengths).tolist()
    lists: dict[int, list[int]] = {}
    for i, block in enumerate(blocks):
        if block.kind == "list":
            lists.setdefault(id(block.listing), []).append(i)
    for lines in lists.values():
        total = sum(len(blocks[i].text) for i in lines)
        if sum(len(blocks[i].text) for i in lines if good[i]) >= _LIST_SHARE * total:
            for i in lines:
                good[i] = True
    last = -1
    for i, chosen in enumerate(list(good)):
        if not chosen:
            continue
        if last >= 0 and 1 < i - last <= _GAP + 1 and min(likely[last + 1 : i]) >= _GAP_LIKELY:
            good[last + 1 : i] = [True] * (i - last - 1)
        last = i
    return good


def _between(blocks: Sequence[Block], frames: Sequence[Frame], good: list[bool]) -> None:
    """Keep definitions, tables and figures that stand between content, as its siblings: what is in them is too short to be known
    for what it is."""
    for frame in frames:
        before, after = frame.start - 1, frame.end
        if (
            frame.signature.tag not in _WHOLE
            or before < 0
            or not frame.start < after < len(blocks)
            or not (good[before] and good[after])
        ):
            continue
        if blocks[before].frame.parent is frame.parent is blocks[after].frame.parent and not _boilerplate(frame):
            good[frame.start : after] = [True] * (after - frame.start)


def _title(blocks: Sequence[Block], good: list[bool]) -> None:
    """Keep the page's main heading where it stands shortly before the content and nothing else of its level is
    kept: the labels the classifier learned from have it or not, as their makers saw fit."""
    first = next((i for i, chosen in enumerate(good) if chosen and blocks[i].kind != "image"), -1)
    if first < 0 or any(chosen and blocks[i].level == 1 and blocks[i].kind == "heading" for i, chosen in enumerate(good)):
        return
    for i in range(first - 1, max(first - _TITLE_NEAR, 0) - 1, -1):
        if blocks[i].kind == "heading" and blocks[i].level == 1:
            good[i] = True
            return


def _boilerplate(frame: Frame | None) -> bool:
    while frame is not None:
        if frame.signature.flags & BOILER:
            return True
        frame = frame.parent
    return False


def _icon(block: Block) -> bool:
    if block.width and block.height and block.width <= _SMALL and block.height <= _SMALL:
        return True
    return block.url[:5] != "data:" and _ICON.search(block.url.split("?")[0][-120:]) is not None
