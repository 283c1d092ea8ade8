"""A picture that no page shows: a document of its own, with the text in it where somebody reads it."""

from __future__ import annotations

from collections.abc import Iterable

from limner.corpus.media import MediaSink
from limner.corpus.pixels import decode
from limner.corpus.probe import probe
from limner.document import Document, Image, Part, Text
from limner.errors import MediaError, SourceError
from limner.experts.ocr import ocr
from limner.sources.kinds import Page
from limner.sources.pdf.order import blocks, ordered
from limner.sources.pdf.scan import letters, placed

_PAGE = 100  # letters: so many make a picture a page that was photographed or scanned


def read_picture(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The document of one picture: itself, and what `page.experts["ocr"]` reads in it. Raises `SourceError` for one that cannot be
    decoded."""
    try:
        pixels = decode(page.data)
    except MediaError as error:
        raise SourceError(f"{page.name}: a picture that cannot be decoded ({error})") from None
    info = media.put(page.data) if media is not None else probe(page.data)
    parts: list[Part] = [Image(0, ref=info.ref if media is not None else "", width=info.width, height=info.height)]
    meta: dict[str, str] = {}
    if address := page.experts.get("ocr", ""):
        lines = placed(ocr(address).read([pixels])[0], 1.0)
        role = "paragraph" if letters(lines) >= _PAGE else "ocr"
        for block in ordered(blocks(lines, 0), pixels.shape[1]):
            box = block.box
            parts.append(Text(len(parts), block.text, role, place=f"box:{box.x0:.0f},{box.y0:.0f},{box.x1:.0f},{box.y1:.0f}"))
        meta["ocr"] = address
    yield Document(page.id, tuple(parts), source=page.name, url=page.url, meta=meta)
