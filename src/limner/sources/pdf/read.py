"""A PDF to a document."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import pypdfium2 as pdfium

from limner.corpus.media import MediaSink
from limner.document import Document, Image, Part, Text, document_id
from limner.errors import SourceError
from limner.sources.kinds import Page as Raw
from limner.sources.pdf.chars import lines
from limner.sources.pdf.furniture import without
from limner.sources.pdf.layout import Block, Box, Frame, Line, Picture
from limner.sources.pdf.marks import caption
from limner.sources.pdf.objects import Objects, objects
from limner.sources.pdf.order import blocks, ordered
from limner.sources.pdf.pixels import picture_bytes
from limner.sources.pdf.roles import assign, squeezed
from limner.sources.pdf.tables import tables
from limner.sources.pdf.words import joined, vocabulary

MAX_PAGES = 5_000
"""No more pages of a file are read."""
_NEAR = 60.0  # points: a caption is no further from its figure
_SCAN = 0.6  # share of a page that its scan covers
_DRAWN = 4  # paths that make a drawing
_EVERYWHERE = 3  # pages that an ornament stands on, at one place


@dataclass(slots=True)
class Page:
    """What was found on a page; `number` counts from 0."""

    number: int
    width: float
    height: float
    blocks: list[Block]
    objects: Objects
    figures: list[Picture] = field(default_factory=list)
    captions: dict[int, int] = field(default_factory=dict)  # which figure, of which block's caption (by identity)


def read_pdf(page: Raw, media: MediaSink | None) -> Iterable[Document]:
    """The reader of the kind `pdf`."""
    yield extract(page.data, media, name=page.name, id=page.id, url=page.url)


def extract(data: bytes, media: MediaSink | None = None, *, name: str = "", id: str = "", url: str = "") -> Document:
    """The document of a PDF. Pictures are put into `media`; without one they have no `ref`. Raises `SourceError` for what is no
    PDF, is damaged beyond repair, or cannot be opened without a password."""
    try:
        file = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        reason = "it needs a password" if "password" in str(error).lower() else f"it cannot be opened ({error})"
        raise SourceError(f"{name or 'PDF'}: {reason}") from None
    try:
        pages = [_page(file, number) for number in range(min(len(file), MAX_PAGES))]
        for page, kept in zip(pages, without([p.blocks for p in pages], [p.height for p in pages]), strict=True):
            page.blocks = kept
        _figures(pages)
        assign([p.blocks for p in pages], _outline(file), [p.height for p in pages])
        known = vocabulary(p.blocks for p in pages)
        facts = file.get_metadata_dict(skip_empty=True)
        made = list(_parts(file, pages, known, media))
        title = facts.get("Title", "").strip() or next((p.text for p in made if isinstance(p, Text) and p.role == "heading"), "")
        meta = {key.lower(): facts[key] for key in ("Author", "Subject", "Keywords", "CreationDate") if facts.get(key)}
        return Document(
            id=id or document_id(name or url), parts=tuple(made), source=name or url, url=url, title=title,
            meta={**meta, "pages": str(len(file))},
        )  # fmt: skip
    finally:
        file.close()


def _page(file: Any, number: int) -> Page:
    page = file[number]
    try:
        width, height = page.get_size()
        left, bottom, right, top = page.get_cropbox()
        frame = Frame(left, bottom, right - left, top - bottom, page.get_rotation() // 90)
        text_page = page.get_textpage()
        try:
            found = blocks(lines(text_page.raw, frame), number)
        finally:
            text_page.close()
        things = objects(page.raw, frame, width, height)
        return Page(number, width, height, tables(found, things.rules), things)
    finally:
        page.close()


def _outline(file: Any) -> dict[int, dict[str, int]]:
    """The bookmarks by page: squeezed titles and levels (1-6)."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for entry in file.get_toc(max_depth=6):
        target = entry.get_dest()
        number = target.get_index() if target is not None else None
        if number is not None:
            found[number].setdefault(squeezed(entry.get_title()), min(entry.level + 1, 6))
    return dict(found)


def _figures(pages: Sequence[Page]) -> None:
    """Find the figures of every page and the captions they have. What stands at one place on several pages is an ornament."""
    spots = Counter(picture.spot for page in pages for picture in page.objects.pictures)
    often = max(_EVERYWHERE, len(pages) // 50)
    for page in pages:
        page.figures = [p for p in page.objects.pictures if spots[p.spot] < often or _covers(p.box, page)]
        for block in page.blocks:
            if block.role != "table" and caption(block.text)[0] == "figure":
                at = _figure_of(block, page)
                if at is None and (box := _drawing(block, page)) is not None:
                    page.figures.append(Picture(box, -1, drawn=True))
                    at = len(page.figures) - 1
                if at is not None:
                    page.captions[id(block)] = at
        drawn = [p.box for p in page.figures if p.drawn]
        page.blocks = [b for b in page.blocks if id(b) in page.captions or not any(box.holds(b.box) for box in drawn)]


def _covers(box: Box, page: Page) -> bool:
    """Whether a picture is the page itself: a scan."""
    return box.width * box.height > _SCAN * page.width * page.height


def _figure_of(block: Block, page: Page) -> int | None:
    """The figure nearest to a caption that has none yet, above it rather than below."""
    best: tuple[float, int] | None = None
    for at, picture in enumerate(page.figures):
        if at in page.captions.values() or picture.box.over(block.box) <= 0:
            continue
        above, below = block.box.y0 - picture.box.y1, picture.box.y0 - block.box.y1
        distance = above if above >= -0.5 * block.size - 6 else below + 12
        if -12 <= distance <= _NEAR and (best is None or distance < best[0]):
            best = distance, at
    return best[1] if best else None


def _drawing(block: Block, page: Page) -> Box | None:
    """The lines and curves between a figure's caption and the text above it."""
    floor = max(
        (
            b.box.y1
            for b in page.blocks
            if b is not block and b.box.y1 <= block.box.y0 and len(b.text) > 60 and b.box.over(block.box) > 0
        ),
        default=0.0,
    )
    found = [
        box for box in page.objects.paths if floor - 2 <= box.y0 and box.y1 <= block.box.y0 + 2 and box.width < 0.98 * page.width
    ]
    if len(found) < _DRAWN:
        return None
    box = found[0]
    for other in found[1:]:
        box = box.around(other)
    for b in page.blocks:  # its labels
        if b is not block and floor <= b.box.y0 and b.box.y1 <= block.box.y0 and len(b.text) <= 60 and b.box.over(box) > 0:
            box = box.around(b.box)
    return box if box.width > 40 and box.height > 30 else None


class _Writer:
    """Collects parts; `n` counts up."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.notes: list[tuple[str, str]] = []

    def text(self, text: str, role: Any, place: str, level: int = 0, of: int | None = None) -> int:
        n = len(self.parts)
        self.parts.append(Text(n, text, role, level, "", place, of))
        return n

    def image(self, info: Any, place: str, alt: str) -> int:
        n = len(self.parts)
        self.parts.append(
            Image(n, ref=info.ref, alt=alt, width=info.width, height=info.height, place=place)
            if info
            else Image(n, alt=alt, place=place)
        )
        return n


def _parts(file: Any, pages: Sequence[Page], known: Set[str], media: MediaSink | None) -> Iterator[Part]:
    out = _Writer()
    for page in pages:
        _write(out, file, page, known, media)
    for text, place in out.notes:
        out.text(text, "paragraph", place)
    yield from out.parts


def _write(out: _Writer, file: Any, page: Page, known: Set[str], media: MediaSink | None) -> None:
    stand_ins = [Block(p.box, [], page.number, role="picture") for p in page.figures]
    pictures = {id(block): at for at, block in enumerate(stand_ins)}
    by_figure = {at: block for block in page.blocks if (at := page.captions.get(id(block))) is not None}
    opened = file[page.number] if page.figures and media is not None else None
    number = page.number + 1
    flow = ordered([*(b for b in page.blocks if id(b) not in page.captions), *stand_ins], page.width)
    try:
        at = 0
        while at < len(flow):
            block = flow[at]
            place = block.box.place(number)
            if block.role == "picture":
                which = pictures[id(block)]
                data = picture_bytes(opened, page.figures[which]) if opened is not None else None
                info = media.put(data) if data and media is not None else None
                n = out.image(info, place, "")
                if which in by_figure:
                    words = by_figure[which]
                    out.text(joined(words.lines, known), "caption", words.box.place(number), of=n)
            elif block.role == "table":
                out.text(block.mark, "table", place)
            elif block.role == "note":
                out.notes.append((joined(block.lines, known), place))
            elif block.role == "code":
                at = _code(out, flow, at, place)
                continue
            elif block.role == "list":
                at = _list(out, flow, at, place, known)
                continue
            elif block.role == "heading":
                out.text(joined(block.lines, known), "heading", place, block.level)
            else:
                _paragraph(out, block, joined(block.lines, known), place)
            at += 1
    finally:
        if opened is not None:
            opened.close()


def _paragraph(out: _Writer, block: Block, text: str, place: str) -> None:
    """A paragraph, or the rest of the one that the page or column before broke off."""
    last = out.parts[-1] if out.parts else None
    if (
        block.role == "paragraph" and isinstance(last, Text) and last.role == "paragraph" and last.text[-1:].isalpha() | (last.text[-1:] in ",-")
        and text[:1].islower() and not last.place.startswith(place.split(" ")[0] + " ")
    ):  # fmt: skip
        out.parts[-1] = Text(last.n, f"{last.text} {text}", "paragraph", 0, "", last.place)
        return
    out.text(text, "caption" if block.role == "caption" else "paragraph", place)


def _code(out: _Writer, flow: Sequence[Block], at: int, place: str) -> int:
    left = flow[at].box.x0
    end = at
    while end < len(flow) and flow[end].role == "code":
        left = min(left, flow[end].box.x0)
        end += 1
    text: list[str] = []
    bottom = flow[at].box.y0
    for row in _rows(line for block in flow[at:end] for line in block.lines):
        words = sorted((word for line in row for word in line.words), key=lambda word: word[1])
        first = row[0]
        step = first.box.width / max(sum(len(w) for w, _, _ in first.words) + len(first.words) - 1, 1)
        text += [""] * min(int((first.box.y0 - bottom) / (1.2 * first.size)), 2)
        text.append(" " * round((words[0][1] - left) / max(step, 0.1)) + _spaced(words, step))
        bottom = first.box.y1
    out.text("\n".join(text), "code", place)
    return end


def _rows(lines: Iterable[Line]) -> list[list[Line]]:
    """Lines that stand on one height, together."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.box.y0):
        if rows and rows[-1][0].box.beside(line.box) > 0.5 * line.box.height:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.box.x0) for row in rows]


def _spaced(words: Sequence[tuple[str, float, float]], step: float) -> str:
    out, right = "", 0.0
    for word, x0, x1 in words:
        out += (" " * max(round((x0 - right) / max(step, 0.1)), 1) if out else "") + word
        right = x1
    return out


def _list(out: _Writer, flow: Sequence[Block], at: int, place: str, known: Set[str]) -> int:
    lines: list[str] = []
    left = flow[at].box.x0
    end = at
    while end < len(flow) and flow[end].role == "list":
        block = flow[end]
        depth = min(max(round((block.box.x0 - left) / (1.5 * block.size)), 0), 5)
        text = joined(block.lines, known)[len(block.mark) :].strip()
        digits = block.mark.strip("().")
        lines.append("  " * depth + (f"{digits}. " if digits.isdigit() else "- ") + text)
        end += 1
    out.text("\n".join(lines), "list", place)
    return end
