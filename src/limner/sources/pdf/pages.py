"""A PDF opened, and its pages as pictures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium

from limner.errors import SourceError
from limner.sources.pdf.pixels import MAX_PIXELS

DPI = 150
"""Dots an inch of a page's picture."""


def opened(data: bytes, name: str = "") -> Any:
    """The file (pypdfium2's). One that only its owner's password protects (against printing, say) opens; raises `SourceError` for one that
    needs a password to be read, that is no PDF or that is damaged beyond repair."""
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            reason = "it is encrypted and opens with a password only; save it without one, and try again"
        else:
            reason = f"it cannot be opened ({error})"
        raise SourceError(f"{name or 'PDF'}: {reason}") from None


def render(file: bytes | str | Path, page: int, dpi: float = DPI) -> bytes:
    """A page (counted from 1) as it looks, as a PNG. Raises `SourceError` where there is no such page, and where it would have too many
    pixels at so many dots an inch."""
    name = "PDF" if isinstance(file, bytes) else str(file)
    pdf = opened(file if isinstance(file, bytes) else Path(file).read_bytes(), name)
    try:
        if not 1 <= page <= len(pdf):
            raise SourceError(f"{name}: there is no page {page}; it has {len(pdf)}")
        shown = pdf[page - 1]
        width, height = shown.get_size()
        if not dpi > 0 or width * height * (dpi / 72) ** 2 > MAX_PIXELS:
            raise SourceError(f"{name}: page {page} at {dpi:g} dots an inch is too large; choose fewer")
        out = io.BytesIO()
        try:
            shown.render(scale=dpi / 72).to_pil().save(out, "PNG", compress_level=1)
        except (pdfium.PdfiumError, ValueError) as error:
            raise SourceError(f"{name}: page {page} cannot be drawn ({error})") from None
        return out.getvalue()
    finally:
        pdf.close()
