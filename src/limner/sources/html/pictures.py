"""Which images of a page are content: boosted trees over what is known of each without loading it.

The trees are those `bench/extraction/train_images.py` found on labelled pages of WCXB's development split.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from io import BytesIO

import numpy as np

from limner.sources.html.blocks import Block, Frame
from limner.sources.html.features import Bools, Floats
from limner.sources.html.signature import BOILER, FIGURE, MAIN
from limner.sources.html.trees import Trees

_ICON = re.compile(
    r"(?:^|[/_.-])(?:icons?|sprites?|badges?|buttons?|btn|arrow|bullet|favicon|flags?|stars?|rating|emoji|social|share|facebook"
    r"|twitter|linkedin|pinterest|instagram|youtube|paypal|visa|mastercard|close|search|cart|menu|play)(?:[/_.-]|s?\d|$)",
    re.IGNORECASE,
)
_LOGO = re.compile(r"logo|brand|sponsor|partner|client", re.IGNORECASE)
_PERSON = re.compile(r"avatar|gravatar|author|userpic|headshot|profile[_-]?(?:pic|image|photo)|user_avatar", re.IGNORECASE)
_VECTOR = re.compile(r"\.(?:svg|gif)(?:$|\?)", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"related|recommend|sidebar|widget|footer|promo|advert|banner|newsletter|author|comment|recent|popular|trending|similar|upsell",
    re.I,
)
_GALLERY = re.compile(
    r"gallery|carousel|slider|slide|product|hero|featured|lead|main|cover|post-thumbnail|entry|article", re.IGNORECASE
)
LIKELY_IMAGE = 0.45  # half of the F1 that is reached: what serves F1 best (see `cut`)
_LIKELY_TEXT = 0.3
_SMALL, _LARGE = 64, 300
_PROSE = 80  # characters of a paragraph that is not a card's
GROUPED = (0, 1, 2, 3, 4, 5, 9, 10, 11, 14, 25, 26)  # columns of which the mean over images of one shape is a column too
NAMES = (
    "near before", "near after", "near most", "own", "page before", "page after", "inside content", "before content", "after content",
    "icon", "logo", "person", "vector", "small", "large", "repeated", "alone", "alt", "figure", "caption", "boilerplate",
    "main", "elsewhere", "gallery", "row of images", "heading beside", "link only", "near heading",
)  # fmt: skip


def content_images(blocks: Sequence[Block], likely: Floats, good: Sequence[bool]) -> list[bool]:
    """For each image among `blocks`, whether it is content, where `likely` and `good` tell of the text."""
    rows = features(blocks, likely, good)
    chosen = beside(blocks, likely, good, rows)
    unsure = ~chosen
    if unsure.any():
        chosen[unsure] = _trees().probabilities(rows[unsure]) >= LIKELY_IMAGE
    return chosen.tolist()


def beside(blocks: Sequence[Block], likely: Floats, good: Sequence[bool], rows: Floats) -> Bools:
    """For each image, whether it surely is content: it has a caption that reads like content, or it stands among the paragraphs
    of the content as one of them; `rows` are its features."""
    out = np.zeros(len(rows), bool)
    captions = {id(block.of): i for i, block in enumerate(blocks) if block.of is not None}
    mark = len(GROUPED)
    unlike: Bools = (
        rows[:, [mark + NAMES.index(name) for name in ("icon", "logo", "person", "vector", "small")]].max(axis=1, initial=0) > 0
    )
    row = 0
    for i, block in enumerate(blocks):
        if block.kind != "image":
            continue
        caption = captions.get(id(block), -1)
        before = i - 1
        while before >= 0 and blocks[before].kind in ("image", "caption"):
            before -= 1
        prose = before >= 0 and good[before] and blocks[before].kind == "paragraph" and len(blocks[before].text) >= _PROSE
        around = blocks[before].frame.parent if prose else None
        sibling = prose and around in (block.frame, block.frame.parent)
        out[row] = not unlike[row] and (sibling or (caption >= 0 and likely[caption] >= _LIKELY_TEXT))
        row += 1
    return out


@lru_cache(maxsize=1)
def _trees() -> Trees:
    data = (files("limner.sources.html") / "images.npz").read_bytes()
    with np.load(BytesIO(data), allow_pickle=False) as arrays:
        return Trees({key: arrays[key] for key in arrays.files})


def features(blocks: Sequence[Block], likely: Floats, good: Sequence[bool]) -> Floats:
    """A row for each image among `blocks`, shape (images, len(GROUPED) + len(NAMES))."""
    images = [i for i, block in enumerate(blocks) if block.kind == "image"]
    texts = [i for i, block in enumerate(blocks) if block.kind not in ("image", "caption")]
    kept = [i for i in texts if good[i]]
    first, last = (kept[0], kept[-1]) if kept else (len(blocks), -1)
    counts = Counter(blocks[i].url for i in images)
    captioned = {id(block.of) for block in blocks if block.of is not None}
    shapes = Counter(_pair(blocks[i].frame) for i in images)
    title = next((i for i in texts if blocks[i].kind == "heading" and blocks[i].level == 1), -1)
    out = np.zeros((len(images), len(NAMES)), np.float32)
    at = 0
    known: dict[int, tuple[bool, bool, bool]] = {}
    for row, i in enumerate(images):
        block = blocks[i]
        while at < len(texts) and texts[at] < i:
            at += 1
        before, after = texts[at - 1] if at else -1, texts[at] if at < len(texts) else -1
        pb, pa = float(likely[before]) if before >= 0 else 0.0, float(likely[after]) if after >= 0 else 0.0
        nb, na = _near(blocks, i, before), _near(blocks, i, after)
        frame = block.frame
        names = known.get(id(frame))
        if names is None:
            names = known[id(frame)] = _names(frame)
        figure, boiler, main = names
        words = _words(frame)
        url = block.url.split("?")[0][-120:] if block.url[:5] != "data:" else ""
        sized = block.width and block.height
        out[row] = (
            nb * pb,
            na * pa,
            max(nb * pb, na * pa) >= _LIKELY_TEXT,
            float(likely[i]),
            pb,
            pa,
            first < i < last,
            i < first,
            i > last,
            _ICON.search(url) is not None,
            _LOGO.search(url) is not None or "logo" in block.alt.lower() or "logo" in words,
            _PERSON.search(url) is not None or _PERSON.search(words) is not None,
            _VECTOR.search(url) is not None,
            bool(sized) and max(block.width, block.height) <= _SMALL,
            bool(sized) and min(block.width, block.height) >= _LARGE,
            min(counts[block.url] - 1, 3) / 3,
            not kept,
            bool(block.alt),
            figure,
            id(block) in captioned,
            boiler,
            main,
            _ELSEWHERE.search(words) is not None,
            _GALLERY.search(words) is not None,
            min(shapes[_pair(frame)] - 1, 10) / 10,
            any(j >= 0 and blocks[j].kind == "heading" for j in (before, after)),
            after >= 0 and len(blocks[after].text) > 0 and blocks[after].links >= 0.9 * len(blocks[after].text),
            title >= 0 and abs(title - i) <= 6,
        )
    # Images of one shape stand in a row, as on cards: what is around all of them tells of each.
    groups = [shape_of(blocks[i]) for i in images]
    if not images:
        return np.zeros((0, len(GROUPED) + len(NAMES)), np.float32)
    shared = out[:, GROUPED]
    means: dict[object, Floats] = {}
    for key in set(groups):
        means[key] = shared[[g == key for g in groups]].mean(axis=0)
    return np.concatenate((np.array([means[g] for g in groups]).reshape(len(images), len(GROUPED)), out), axis=1)


def shape_of(block: Block) -> object:
    """What images of one row have in common: the signatures of the frames around them."""
    frame = block.frame
    up = frame.parent
    return frame.signature, up and up.signature, up and up.parent and up.parent.signature


def _pair(frame: Frame) -> object:
    return frame.signature, frame.parent and frame.parent.signature


def _near(blocks: Sequence[Block], i: int, j: int) -> float:
    return 1.0 / (1 + 0.5 * max(_apart(blocks[i].frame, blocks[j].frame) - 2, 0)) if j >= 0 else 0.0


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


def _names(frame: Frame) -> tuple[bool, bool, bool]:
    """Whether a figure, boilerplate and the main element are around it."""
    flags = 0
    at: Frame | None = frame
    while at is not None:
        flags |= at.signature.flags
        at = at.parent
    return bool(flags & FIGURE), bool(flags & BOILER), bool(flags & MAIN)


def _words(frame: Frame, up: int = 6) -> str:
    """The class names of the nearest frames."""
    found: list[str] = []
    at: Frame | None = frame
    for _ in range(up):
        if at is None:
            break
        found += at.signature.tokens
        at = at.parent
    return " ".join(found)
