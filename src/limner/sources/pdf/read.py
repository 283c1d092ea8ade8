"""A PDF to a document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pypdfium2 as pdfium

from limner.corpus.media import MediaSink
from limner.document import Document, Text, document_id
from limner.errors import SourceError
from limner.sources.kinds import Page as Raw
from limner.sources.pdf import bullets, figures, formulas, notes, slides
from limner.sources.pdf.chars import lines
from limner.sources.pdf.figures import Page
from limner.sources.pdf.furniture import without
from limner.sources.pdf.layout import Frame
from limner.sources.pdf.objects import objects
from limner.sources.pdf.order import blocks, columns, gutter
from limner.sources.pdf.pages import opened
from limner.sources.pdf.parts import written
from limner.sources.pdf.roles import assign, body_size, squeezed
from limner.sources.pdf.rows import mended
from limner.sources.pdf.scan import Scans
from limner.sources.pdf.tables import tables
from limner.sources.pdf.words import vocabulary

MAX_PAGES = 5_000
"""No more pages of a file are read."""


def read_pdf(page: Raw, media: MediaSink | None) -> Iterable[Document]:
    """The reader of the kind `pdf`."""
    yield extract(page.data, media, name=page.name, id=page.id, url=page.url, experts=page.experts)


def extract(
    data: bytes,
    media: MediaSink | None = None,
    *,
    name: str = "",
    id: str = "",
    url: str = "",
    experts: Mapping[str, str] | None = None,
) -> Document:
    """The document of a PDF. Pictures are put into `media`; without one they have no `ref`. Pages that are scans are read by
    `experts["ocr"]`, an address, where there is one; pages that are damaged are left out, and counted in `meta["damaged"]`. Raises
    `SourceError` for what is no PDF, has no page that can be read, or cannot be opened without a password."""
    scans = Scans(experts or {})
    file = opened(data, name)
    try:
        count = len(file)
        pages = list(_pages(file, scans))
        damaged = min(count, MAX_PAGES) - len(pages)
        if count and not pages:
            raise SourceError(f"{name or 'PDF'}: none of its {count:,} pages can be loaded")
        deck = slides.are(pages)
        for page, kept in zip(pages, without([p.blocks for p in pages], [p.height for p in pages], deck), strict=True):
            page.blocks = kept
        if deck:
            slides.without_frame(pages)
        figures.find(pages)
        formulas.find(pages)
        body = body_size([p.blocks for p in pages])
        notes.find(pages, body)
        outline = _outline(file)
        assign([p.blocks for p in pages], [outline.get(p.number, {}) for p in pages], [p.height for p in pages])
        if deck:
            slides.titles(pages, body)
            passed = slides.steps(pages)
            pages = [p for p in pages if p.number not in passed]
        known = vocabulary(p.blocks for p in pages)
        facts = file.get_metadata_dict(skip_empty=True)
        made = list(written(file, pages, known, media))
        title = facts.get("Title", "").strip() or next((p.text for p in made if isinstance(p, Text) and p.role == "heading"), "")
        meta = {key.lower(): facts[key] for key in ("Author", "Subject", "Keywords", "CreationDate") if facts.get(key)}
        return Document(
            id=id or document_id(name or url), parts=tuple(made), source=name or url, url=url, title=title,
            meta={**meta, "pages": str(count), **({"damaged": str(damaged)} if damaged else {}), **scans.meta},
        )  # fmt: skip
    finally:
        file.close()


def _pages(file: Any, scans: Scans) -> Iterator[Page]:
    """The pages that can be loaded."""
    for number in range(min(len(file), MAX_PAGES)):
        with suppress(pdfium.PdfiumError):
            yield _page(file, number, scans)


def _page(file: Any, number: int, scans: Scans) -> Page:
    page = file[number]
    try:
        width, height = page.get_size()
        left, bottom, right, top = page.get_cropbox()
        frame = Frame(left, bottom, right - left, top - bottom, page.get_rotation() // 90)
        things = objects(page.raw, frame, width, height)
        text_page = page.get_textpage()
        try:
            said = scans.lines(page, lines(text_page.raw, frame), things.pictures)
            raw = blocks(bullets.written(said, things.bullets), number)
        finally:
            text_page.close()
        # Cells and pieces of formulas hide the space between columns; paragraphs show it.
        found = mended(raw, gutter(raw, width) or gutter([b for b in raw if len(b.lines) > 2], width))
        middle = gutter(found, width)
        laid = [block for column in columns(found, middle, things.rules) for block in tables(column, things.rules)]
        return Page(number, width, height, laid, things, middle)
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
