"""The bytes of a picture: as the PDF holds them where that is a JPEG or the inside of a PNG, else as a new PNG.

TeX and others put the pixels of a PNG into a PDF as they lie in its file, filtered and compressed. What is missing around
them is a header: written anew, the picture is had without decoding, and as small as its author made it.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pypdfium2 as pdfium

from limner.sources.pdf.layout import Box, Picture

SCALE = 2.0
"""Pixels a point of what is drawn: 144 dots an inch."""
MAX_PIXELS = 40_000_000
"""No picture of more pixels is decoded or drawn."""


def picture_bytes(page: Any, picture: Picture) -> bytes | None:
    """The picture's file, None where it cannot be decoded or is too large."""
    if picture.drawn:
        return drawn(page, picture.box)
    raw = pdfium.raw.FPDFPage_GetObject(page.raw, picture.number)
    image = pdfium.PdfImage(raw, page=page, pdf=page.pdf)
    try:
        width, height = image.get_px_size()
        if not 0 < width * height <= MAX_PIXELS:
            return None
        if not _has_mask(image):
            if image.get_filters(skip_simple=True) == ["DCTDecode"]:
                return bytes(image.get_data(decode_simple=True))
            if image.get_filters() == ["FlateDecode"] and (data := _wrapped(image)) is not None:
                return data
        return _png(image.get_bitmap(render=_has_mask(image), scale_to_original=True))
    except (pdfium.PdfiumError, ValueError):
        return None


def drawn(page: Any, box: Box, scale: float = SCALE) -> bytes | None:
    """A part of the page, as it looks."""
    width, height = page.get_size()
    if box.width * box.height * scale * scale > MAX_PIXELS or box.width <= 1 or box.height <= 1:
        return None
    crop = (max(box.x0, 0), max(height - box.y1, 0), max(width - box.x1, 0), max(box.y0, 0))
    try:
        return _png(page.render(scale=scale, crop=crop))
    except (pdfium.PdfiumError, ValueError):
        return None


def _has_mask(image: Any) -> bool:
    return bool(pdfium.raw.FPDFPageObj_HasTransparency(image.raw))


_GRAY = (pdfium.raw.FPDF_COLORSPACE_DEVICEGRAY, pdfium.raw.FPDF_COLORSPACE_CALGRAY)
_RGB = (pdfium.raw.FPDF_COLORSPACE_DEVICERGB, pdfium.raw.FPDF_COLORSPACE_CALRGB, pdfium.raw.FPDF_COLORSPACE_ICCBASED)


def _wrapped(image: Any) -> bytes | None:
    """A PNG around the compressed rows of an image of 8 bits a colour, None where they are no rows of a PNG."""
    facts = image.get_metadata()
    if facts.colorspace not in (*_GRAY, *_RGB):
        return None
    colours, kind = (1, 0) if facts.colorspace in _GRAY else (3, 2)
    stream = bytes(image.get_data(decode_simple=False))
    row = facts.width * colours + 1
    unpacker = zlib.decompressobj()
    try:
        rows = unpacker.decompress(stream, row * facts.height + 1)
    except zlib.error:
        return None
    # Each row of a PNG begins with the number of its filter.
    if len(rows) != row * facts.height or max(rows[::row]) > 4:
        return None
    header = struct.pack(">IIBBBBB", facts.width, facts.height, 8, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", stream) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(bitmap: Any) -> bytes:
    out = io.BytesIO()
    bitmap.to_pil().save(out, "PNG", compress_level=1)
    return out.getvalue()
