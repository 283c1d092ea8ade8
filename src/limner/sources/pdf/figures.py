"""The figures of a page: pictures and drawings, put together with what is written in them, and their captions.

A caption says that there is a figure: it is all that is drawn between the caption and the text above it (or below it, where nothing is drawn
above), as wide as it hangs together. A single picture stays the picture it is; several, or lines and curves, are drawn as they look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from limner.sources.pdf.layout import Block, Box, Picture
from limner.sources.pdf.marks import caption, subcaption
from limner.sources.pdf.objects import Objects
from limner.sources.pdf.roles import body_size

_FAR = 150.0  # points: a caption is no further from its figure
_SCAN = 0.6  # share of a page that its scan covers
_EVERYWHERE = 3  # pages that an ornament stands on, at one place
_LABEL = 16.0  # points: what is written in a figure is no further from what is drawn
_APART = 40.0  # points: the space between what is side by side in one figure
_LINE = 60  # characters: text that is longer is no label
_SMALL = 20.0  # points
_LESS = 0.85  # times the size of the body: what is smaller is written in a figure
_FRAME = 4  # lines around a picture that do not make a drawing of it
_ALONE = 1.3  # times a picture's area: a figure that is larger has more in it than the picture
_PROSE = 200  # characters in lines of prose: a form that holds so many is no drawing


@dataclass(slots=True)
class Page:
    """What was found on a page; `number` counts from 0. `captions` are figures by their caption's block (its identity), `labels` what is
    written under the parts of a figure."""

    number: int
    width: float
    height: float
    blocks: list[Block]
    objects: Objects
    gutter: float | None = None
    figures: list[Picture] = field(default_factory=list)
    captions: dict[int, int] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)


def find(pages: Sequence[Page]) -> None:
    """Find the figures of every page and the captions they have. What stands at one place on several pages is an ornament."""
    spots = Counter(picture.spot for page in pages for picture in page.objects.pictures)
    often = max(_EVERYWHERE, len(pages) // 50)
    body = body_size([page.blocks for page in pages])
    for page in pages:
        kept = [p for p in page.objects.pictures if spots[p.spot] < often or covers(p.box, page)]
        _page(page, [p for p in kept if not (p.drawn and _prose(p.box, page.blocks))], body)


def covers(box: Box, page: Page) -> bool:
    """Whether a picture is the page itself: a scan."""
    return box.width * box.height > _SCAN * page.width * page.height


def _prose(box: Box, blocks: Sequence[Block]) -> bool:
    lines = (line for block in blocks if box.holds(block.box) and not caption(block.text)[0] for line in block.lines)
    return sum(len(text) for line in lines if len(text := line.text) > 40) > _PROSE


def _page(page: Page, pictures: list[Picture], body: float) -> None:
    said = [b for b in page.blocks if b.role != "table" and caption(b.text)[0] == "figure"]
    edges = _edges(b for b in page.blocks if b.size >= _LESS * body)
    tabled = [b.box for b in page.blocks if caption(b.text)[0] == "table"]
    stops = [b for b in page.blocks if _is_text(b, edges, body, tabled)]
    free = [p for p in pictures if min(p.box.width, p.box.height) >= _SMALL and not covers(p.box, page)]
    taken: list[Box] = []
    inside: list[tuple[Box, Block | None]] = []
    for block in said:
        reach = _across(block, page)
        made = None
        for above in (True, False):
            band = _band(block, stops, reach, page, above)
            if band is not None and (made := _figure(block, band, free, said, page, taken, above)) is not None:
                break
        if made is None:
            continue
        figure, used, words = made
        taken.append(figure.box)
        free = [p for p in free if id(p) not in {id(u) for u in used}]
        page.captions[id(block)] = len(page.figures)
        if words:
            page.labels[len(page.figures)] = words
        page.figures.append(figure)
        if figure.drawn:
            inside.append((figure.box, block))
    whole = [p for p in pictures if covers(p.box, page)]
    rest = [p for p in free if not any(box.holds(p.box) for box in taken)]
    page.figures += rest + whole
    drawn = [box for box, _ in inside] + [p.box for p in rest if p.drawn]
    page.blocks = [b for b in page.blocks if id(b) in page.captions or not any(box.holds(b.box) for box in drawn)]


def _edges(blocks: Iterable[Block]) -> set[int]:
    """Where paragraphs begin, across the page."""
    found: Counter[int] = Counter()
    for block in blocks:
        if len(block.lines) > 1 and len(block.text) > _LINE:
            found[round(block.box.x0)] += len(block.lines)
    return {edge for edge, n in found.items() if n >= 4}


def _is_text(block: Block, edges: set[int], body: float, tabled: Sequence[Box]) -> bool:
    """Whether a block belongs to the page's text and not to a figure. `tabled` are the captions of tables."""
    text = block.text
    if caption(text)[0]:
        return True
    if block.role == "table":
        near = any(box.over(block.box) > 0 and box.beside(block.box) > -3 * block.size for box in tabled)
        return near or block.size >= _LESS * body
    if block.size < _LESS * body:
        return False
    if any(len(line.text) > _LINE for line in block.lines) or sum(len(line.text) > 30 for line in block.lines) > 2:
        return True
    return len(text) > 3 and any(abs(block.box.x0 - edge) <= 1.5 for edge in edges)


def _across(block: Block, page: Page) -> Box:
    """The column that a caption stands in, or the page."""
    if page.gutter is not None and block.box.x1 < page.gutter + 3:
        return Box(0, 0, page.gutter, page.height)
    if page.gutter is not None and block.box.x0 > page.gutter - 3:
        return Box(page.gutter, 0, page.width, page.height)
    return Box(0, 0, page.width, page.height)


def _band(block: Block, stops: Sequence[Block], reach: Box, page: Page, above: bool) -> Box | None:
    """What lies between a caption and the next text above it, or below it."""
    across = [b.box for b in stops if b is not block and b.box.over(reach) > 0]
    if above:
        top = max((b.y1 for b in across if b.y1 <= block.box.y0 + 2 and _meets(b, block, page)), default=0.0)
        return Box(reach.x0, top - 3, reach.x1, block.box.y0 + 3) if block.box.y0 - top > _SMALL else None
    end = min((b.y0 for b in across if b.y0 >= block.box.y1 - 2), default=page.height)
    return Box(reach.x0, block.box.y1 - 3, reach.x1, end + 3) if end - block.box.y1 > _SMALL else None


def _meets(box: Box, block: Block, page: Page) -> bool:
    # Captions of figures that stand side by side end neither's figure.
    return box.over(block.box) > 0 or box.width > 0.4 * page.width


def _figure(
    block: Block, band: Box, pictures: Sequence[Picture], said: Sequence[Block], page: Page, taken: Sequence[Box], above: bool
) -> tuple[Picture, list[Picture], str] | None:
    """What is drawn in the band and hangs together around the caption's middle."""
    beside = [b.box for b in said if b is not block and b.box.beside(block.box) > 0]

    def ours(box: Box) -> bool:
        if not (band.y0 <= box.y0 and box.y1 <= band.y1 and band.x0 - 3 <= box.x0 and box.x1 <= band.x1 + 3):
            return False
        if any(other.over(box) > max(block.box.over(box), 0) for other in beside):
            return False
        return not any(t.holds(box) for t in taken)

    images = [p for p in pictures if ours(p.box)]
    lines = [box for box in (*page.objects.paths, *page.objects.rules) if box.width < 0.98 * page.width and ours(box)]
    box = _together([*(p.box for p in images), *lines], block.box)
    if box is None or min(box.width, box.height) < _SMALL:
        return None
    if (block.box.y0 - box.y1 if above else box.y0 - block.box.y1) > _FAR:
        return None
    used = [p for p in images if box.holds(p.box)]
    paths = sum(box.holds(line) for line in lines)
    if not used and paths < 2 and not (box.width > 3 * _SMALL and box.height > 2 * _SMALL):
        return None
    words = [b for b in page.blocks if b is not block and ours(b.box) and len(b.text) <= _LINE]
    box, written = _with_words(box, words)
    parts = " ".join(b.text for b in written if subcaption(b.text))
    if len(used) == 1 and paths <= _FRAME and box.width * box.height <= _ALONE * used[0].box.width * used[0].box.height:
        return used[0], used, parts
    return Picture(box, -1, drawn=True), used, parts


def _together(boxes: Sequence[Box], near: Box) -> Box | None:
    """The box around those that reach over the caption's width, and around what stands beside them."""
    middle = (near.x0 + near.x1) / 2
    left = list(boxes)
    start = [b for b in left if b.over(near) > 0] or [b for b in left if abs((b.x0 + b.x1) / 2 - middle) < near.width]
    if not start:
        return None
    box = start[0]
    for other in start:
        box = box.around(other)
    while True:
        more = [b for b in left if b.over(box) > -_APART and b.beside(box) > -_APART]
        left = [b for b in left if not (b.over(box) > -_APART and b.beside(box) > -_APART)]
        if not more:
            return box
        for other in more:
            box = box.around(other)


def _with_words(box: Box, words: Sequence[Block]) -> tuple[Box, list[Block]]:
    written: list[Block] = []
    left = list(words)
    while True:
        more = [b for b in left if b.box.over(box) > -_LABEL and b.box.beside(box) > -_LABEL]
        if not more:
            return box, written
        left = [b for b in left if b not in more]
        written += more
        for other in more:
            box = box.around(other.box)
