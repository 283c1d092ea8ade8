"""TIFF files of several pictures, taken apart: MINT-1T keeps all images of a PDF in one."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageSequence

MAX_FRAMES = 1_000
MAX_PIXELS = 64_000_000
MAX_TOTAL = 512_000_000
"""No more pictures, no larger one, and not more pixels in all of them, are decoded."""

_PNG_MODES = frozenset(("1", "L", "LA", "I;16", "P", "RGB", "RGBA"))


def frames(data: bytes) -> list[bytes]:
    """The pictures of a TIFF file as PNG files, in order, as far as they can be decoded within the bounds."""
    out: list[bytes] = []
    total = 0
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=("TIFF",)) as file:
            warnings.simplefilter("ignore")
            for frame in ImageSequence.Iterator(file):
                pixels = frame.width * frame.height
                total += pixels
                if len(out) == MAX_FRAMES or pixels > MAX_PIXELS or total > MAX_TOTAL:
                    break
                picture = frame if frame.mode in _PNG_MODES else frame.convert("RGB")
                with io.BytesIO() as png:
                    picture.save(png, "PNG")
                    out.append(png.getvalue())
    # Pillow raises nearly anything for a damaged file; what came before is whole.
    except Exception:  # noqa: BLE001
        return out
    return out
