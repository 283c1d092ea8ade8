"""A figure as a mail may hold it: drawn anew, small, of a kind that every reader shows and that runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

from PIL import Image

from limner.corpus.pixels import thumbnail
from limner.corpus.probe import mime
from limner.errors import MediaError

SIDE = 1_040
"""Pixels, twice the width at which it is shown at most."""

BYTES = 150_000
_WIDE, _HIGH = 520, 300
_SIDES = (SIDE, 720, 480, 320)


@dataclass(frozen=True, slots=True)
class Inline:
    """A picture's file; `width` and `height` are those to show it at."""

    data: bytes
    kind: Literal["png", "jpeg"]
    width: int
    height: int


def inline(data: bytes, most: int = BYTES) -> Inline | None:
    """The picture as PNG or JPEG of at most `most` bytes, whichever is less. None for an SVG, which can run, for what does not decode, and for what
    is more even when it is small. It is encoded anew: nothing that a file says beside its pixels goes along."""
    if mime(data) == "image/svg+xml":
        return None
    for side in _SIDES:
        try:
            image = Image.fromarray(thumbnail(data, side))
        except MediaError:
            return None
        # Drawings are less as PNG, photographs as JPEG.
        few = image.getcolors(256) is not None
        flat = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=256) if few else image
        png, jpeg = _file(flat, "PNG", optimize=True), _file(image, "JPEG", quality=85, optimize=True)
        if len(jpeg) > most:
            jpeg = _file(image, "JPEG", quality=60, optimize=True)
        best, kind = (png, "png") if len(png) <= len(jpeg) else (jpeg, "jpeg")
        if len(best) <= most:
            scale = min(_WIDE / image.width, _HIGH / image.height, 1.0)
            return Inline(best, kind, max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return None


def _file(image: Image.Image, kind: str, **how: Any) -> bytes:
    with BytesIO() as file:
        image.save(file, kind, **how)
        return file.getvalue()
