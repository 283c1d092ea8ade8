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
_CLIPPED = 60.0  # points: a path longer than this may be cut off by its clip
_CUT = 0.9  # share of a picture: one of which less is shown is cut off
_CORNERS = 64  # points of a clip that are looked at
_BULLET = (1.5, 14.0)  # points: the sides of a bullet that is drawn
_BULLETS = 500


@dataclass(slots=True)
class Objects:
    """The pictures of a page, its horizontal lines, the boxes of its other paths, and of all that is small enough for a bullet."""

    pictures: list[Picture] = field(default_factory=list)
    rules: list[Box] = field(default_factory=list)
    paths: list[Box] = field(default_factory=list)
    bullets: list[Box] = field(default_factory=list)


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
        whole = box = frame.box(*(side.value for side in sides))
        if kind == pdfium.FPDF_PAGEOBJ_PATH and min(box.width, box.height) > _RULE and pdfium.FPDFPath_CountSegments(thing) == 2:
            box = _stroke(thing, box)
        if kind != pdfium.FPDF_PAGEOBJ_PATH or box.width > _CLIPPED or box.height > _CLIPPED:
            box = _shown(thing, box, frame)
        box = Box(max(box.x0, 0), max(box.y0, 0), min(box.x1, width), min(box.y1, height))
        if box.width <= 0 or box.height <= 0:
            continue
        if (
            _BULLET[0] <= box.width <= _BULLET[1]
            and box.width / 2 <= box.height <= 2 * box.width
            and len(found.bullets) < _BULLETS
        ):
            found.bullets.append(box)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            (found.rules if box.height <= _RULE and box.width > _SMALL else found.paths).append(box)
        elif min(box.width, box.height) >= _SMALL:
            if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
                pdfium.FPDFImageObj_GetImagePixelSize(thing, wide, high)
                # What is cut off would come back with the picture's bytes: it is drawn instead.
                cut = box.width * box.height < _CUT * whole.width * whole.height
                found.pictures.append(Picture(box, -1 if cut else number, (wide.value, high.value), drawn=cut))
            elif kind == pdfium.FPDF_PAGEOBJ_FORM and box.width * box.height < _WHOLE * width * height:
                found.pictures.append(Picture(box, -1, drawn=True))
    return found


def _shown(thing: Any, box: Box, frame: Frame) -> Box:
    """What the clip of an object leaves of its box."""
    clip = pdfium.FPDFPageObj_GetClipPath(thing)
    x, y = ctypes.c_float(), ctypes.c_float()
    for number in range(max(min(pdfium.FPDFClipPath_CountPaths(clip), 8), 0) if clip else 0):
        points: list[tuple[float, float]] = []
        for at in range(min(pdfium.FPDFClipPath_CountPathSegments(clip, number), _CORNERS)):
            part = pdfium.FPDFClipPath_GetPathSegment(clip, number, at)
            if part and pdfium.FPDFPathSegment_GetPoint(part, x, y):
                points.append((x.value, y.value))
        if len(points) > 1:
            seen = frame.box(
                min(p[0] for p in points), min(p[1] for p in points), max(p[0] for p in points), max(p[1] for p in points)
            )
            box = Box(max(box.x0, seen.x0), max(box.y0, seen.y0), min(box.x1, seen.x1), min(box.y1, seen.y1))
    return box


def _stroke(thing: Any, box: Box) -> Box:
    """The box of a straight line across or down the page, which pdfium takes to be longer by its width at both ends."""
    width = ctypes.c_float()
    if not pdfium.FPDFPageObj_GetStrokeWidth(thing, width) or 2 * width.value >= max(box.width, box.height):
        return box
    over = width.value
    if box.width >= box.height:
        return Box(box.x0 + over, box.y0 + over / 2, box.x1 - over, box.y1 - over / 2) if box.height > over else box
    return Box(box.x0 + over / 2, box.y0 + over, box.x1 - over / 2, box.y1 - over) if box.width > over else box
