"""Slides (PPTX) to a document: of each slide its title, texts, tables and pictures from the top, then the speaker's notes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from limner.corpus.media import MediaSink
from limner.document import Document, Image, Part, Text
from limner.errors import MissingExtra, SourceError
from limner.sources.kinds import Page
from limner.sources.zipfolder import ZipFolder

_GROUPS = 8
"""How deep groups of shapes are entered."""


def read_pptx(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of PowerPoint's slides. What a speaker is to say has the role `speech`. Needs the extra `office`."""
    try:
        import pptx
    except ImportError:
        raise MissingExtra("office", "python-pptx", f"reading {page.name}") from None
    ZipFolder(page.data, page.name).check()
    try:
        slides: Any = pptx.Presentation(io.BytesIO(page.data))
        parts: list[Part] = []
        for number, slide in enumerate(slides.slides, 1):
            for make in _slide(slide, f"page:{number}", media):
                parts.append(make(len(parts)))
        facts = slides.core_properties
        title, meta = facts.title or "", {"author": facts.author or "", "slides": str(len(slides.slides))}
    except Exception as error:  # noqa: BLE001 - python-pptx fails in many ways on damaged files
        raise SourceError(f"{page.name}: damaged slides ({type(error).__name__}: {error})") from None
    title = title or next((part.text for part in parts if isinstance(part, Text) and part.role == "heading"), "")
    meta = {key: value for key, value in meta.items() if value}
    yield Document(page.id, tuple(parts), page.name, page.url, title, meta=meta)


def _slide(slide: Any, place: str, media: MediaSink | None) -> Iterator[Any]:
    title = slide.shapes.title
    if title is not None and (text := _clean(title.text_frame.text)):
        yield lambda n, text=text: Text(n, text, "heading", 2, place=place)
    shapes = [shape for shape in _shapes(slide.shapes) if title is None or shape.shape_id != title.shape_id]
    for shape in sorted(shapes, key=lambda s: (s.top or 0, s.left or 0)):
        yield from _shape(shape, place, media)
    if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) is not None and (text := _clean(notes.text)):
        yield lambda n: Text(n, text, "speech", place=place)


def _shapes(shapes: Any, depth: int = 0) -> Iterator[Any]:
    for shape in shapes:
        if hasattr(shape, "shapes") and depth < _GROUPS:
            yield from _shapes(shape.shapes, depth + 1)
        else:
            yield shape


def _shape(shape: Any, place: str, media: MediaSink | None) -> Iterator[Any]:
    if getattr(shape, "has_table", False) and shape.has_table:
        rows = [[_clean(cell.text).replace("|", "\\|").replace("\n", " ") for cell in row.cells] for row in shape.table.rows]
        if rows and rows[0]:
            lines = [f"| {' | '.join(row)} |" for row in rows]
            lines.insert(1, f"|{' --- |' * len(rows[0])}")
            yield lambda n: Text(n, "\n".join(lines), "table", place=place)
    elif hasattr(shape, "image"):
        alt = shape._element._nvXxPr.cNvPr.get("descr") or ""
        info = media.put(shape.image.blob) if media is not None else None
        width, height = shape.image.size
        ref = info.ref if info is not None and info.mime.startswith("image/") else ""
        yield lambda n: Image(n, ref, alt=_clean(alt), width=width, height=height, place=place)
    elif shape.has_text_frame:
        yield from _paragraphs(shape, place)


def _paragraphs(shape: Any, place: str) -> Iterator[Any]:
    lines = [(p.level, _clean(p.text)) for p in shape.text_frame.paragraphs]
    lines = [(level, text) for level, text in lines if text]
    if len(lines) > 1 or (shape.is_placeholder and lines):
        items = "\n".join(f"{'  ' * level}- {text}" for level, text in lines)
        yield lambda n: Text(n, items, "list", place=place)
    elif lines:
        yield lambda n: Text(n, lines[0][1], place=place)


def _clean(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.replace("\v", "\n").split("\n")).strip()
