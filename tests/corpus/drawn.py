"""Images that tests draw and encode: real encodings of a known picture."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

SIZE = (120, 80)
"""Width and height of the picture, as displayed."""


def picture(width: int = SIZE[0], height: int = SIZE[1]) -> Image.Image:
    """A picture with no symmetry: a gradient, a red disc left of the middle, a blue bar at the bottom right."""
    across, down = np.meshgrid(np.linspace(40, 215, width), np.linspace(200, 90, height))
    image = Image.fromarray(np.stack([across, down, 255 - across], axis=-1).astype(np.uint8), "RGB")
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.1, height * 0.15, width * 0.4, height * 0.6), fill=(220, 30, 30))
    draw.rectangle((width * 0.55, height * 0.7, width * 0.95, height * 0.9), fill=(20, 40, 200))
    return image


def encode(image: Image.Image, format: str, **options: Any) -> bytes:
    """`image` as a file of that format."""
    with io.BytesIO() as file:
        image.save(file, format, **options)
        return file.getvalue()


def rotated_jpeg(orientation: int, **options: Any) -> bytes:
    """A JPEG that shows `picture()` upright only for a viewer that respects its Exif orientation."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = picture()
    if orientation in undo:
        image = image.transpose(undo[orientation])
    return encode(image, "JPEG", exif=exif(orientation), quality=95, **options)


def exif(orientation: int) -> Image.Exif:
    """An Exif block that holds just the orientation."""
    block = Image.Exif()
    block[0x0112] = orientation
    return block


def svg(attributes: str = 'width="120" height="80"', body: str = '<rect width="60" height="80" fill="#f00"/>') -> bytes:
    """An SVG file with those attributes on its root."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{body}</svg>'.encode()
