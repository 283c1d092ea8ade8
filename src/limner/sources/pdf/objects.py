"""What stands on a page besides text: pictures, and the lines of tables and drawings."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import Any

import pypdfium2.raw as pdfium

from limner.sources.pdf.layout import Box, Frame, Picture

MAX_OBJECTS = 50_000
"""No more objects of a page are looked at."""
_SMALL = 20.0  # points: a picture narrower or lower than this is an ornament
_WHOLE = 0.9  # share of a page: a form that covers so much is the page itself
_RULE = 1.5  # points: what is thinner is a line


@dataclass(slots=True)
class Objects:
    """The pictures of a page, its horizontal lines, and the boxes of its other paths."""

    pictures: list[Picture] = field(default_factory=list)
    rules: list[Box] = field(default_factory=list)
    paths: list[Box] = field(default_factory=list)


def objects(page: Any, frame: Frame, width: float, height: float) -> Objects:
    """The objects of a page that is shown `width` x `height` points large."""
    found = Objects()
    wide, high = ctypes.c_uint(), ctypes.c_uint()
    sides = [ctypes.c_float() for _ in range(4)]
    for number in range(min(pdfium.FPDFPage_CountObjects(page), MAX_OBJECTS)):
        thing = pdfium.FPDFPage_GetObject(page, number)
        kind = pdfium.FPDFPageObj_GetType(thing)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT or not pdfium.FPDFPageObj_GetBounds(thing, *sides):
            continue
        box = frame.box(*(side.value for side in sides))
        box = Box(max(box.x0, 0), max(box.y0, 0), min(box.x1, width), min(box.y1, height))
        if box.width <= 0 or box.height <= 0:
            continue
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            (found.rules if box.height <= _RULE and box.width > _SMALL else found.paths).append(box)
        elif min(box.width, box.height) >= _SMALL:
            if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
                pdfium.FPDFImageObj_GetImagePixelSize(thing, wide, high)
                found.pictures.append(Picture(box, number, (wide.value, high.value)))
            elif kind == pdfium.FPDF_PAGEOBJ_FORM and box.width * box.height < _WHOLE * width * height:
                found.pictures.append(Picture(box, -1, drawn=True))
    return found
