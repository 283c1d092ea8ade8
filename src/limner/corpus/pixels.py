"""Pixels of an image, where an operator needs them: every format that is read comes out as 8-bit RGB.

What "read right" means here: the first frame of an animation, turned as Exif says; transparency over white;
palettes expanded; CMYK and YCCK with Adobe's inversion where its marker stands, through the embedded profile
where there is one; 16-bit samples scaled, not cut off. Sizes are bounded before anything is decoded.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from limner.corpus import headers, svg
from limner.corpus.probe import mime
from limner.errors import LimnerError, MediaError

Pixels = NDArray[np.uint8]
"""Height x width x 3, red, green, blue."""

MAX_PIXELS = 64_000_000
"""The default bound on width times height: a 64-megapixel photograph, 192 MB decoded."""

FORMATS = ("PNG", "JPEG", "MPO", "GIF", "WEBP", "BMP", "DIB", "TIFF", "ICO", "CUR", "AVIF", "JPEG2000")
"""What Pillow may open: formats of the web, none that runs a program (EPS) or reads other files."""


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> Pixels:
    """The image as height x width x 3 bytes, RGB.

    Raises `MediaError` for what is damaged, cut short, of another format, or has more than `max_pixels`;
    `MissingExtra` for an SVG without the extra `svg`.

    >>> import io; from PIL import Image
    >>> file = io.BytesIO(); Image.new("RGBA", (2, 1), (255, 0, 0, 0)).save(file, "PNG")
    >>> decode(file.getvalue()).tolist()
    [[[255, 255, 255], [255, 255, 255]]]
    """
    if svg.head(data) is not None:
        return _raster(data, max_pixels)
    with _opened(data, max_pixels) as image:
        return _rgb(image, data)


def frames(data: bytes, limit: int = 64, max_pixels: int = MAX_PIXELS) -> Iterator[Pixels]:
    """The frames of an animation as they are shown, at most `limit`, at most `max_pixels` in all of them together;
    of a still image its one frame. Raises as `decode`."""
    if svg.head(data) is not None:
        yield _raster(data, max_pixels)
        return
    with _opened(data, max_pixels) as image:
        total = 0
        for i in range(min(int(getattr(image, "n_frames", 1)), limit)):
            image.seek(i)
            total += image.width * image.height
            if i and total > max_pixels:
                return
            yield _rgb(image, data)


def thumbnail(data: bytes, side: int) -> Pixels:
    """The image scaled down to fit a square of `side` pixels (never up), bounds and errors as `decode`.

    A JPEG is decoded at a half, a quarter or an eighth, which costs a fraction of its full size.
    """
    if svg.head(data) is not None:
        image = Image.fromarray(_raster(data, MAX_PIXELS, side))
    else:
        with _opened(data, MAX_PIXELS) as opened:
            # Twice the target: averaging over at least four pixels hides what the decoder's own scaling skips.
            opened.draft(None, (2 * side, 2 * side))
            image = Image.fromarray(_rgb(opened, data))
    if image.width > side or image.height > side:
        scale = side / max(image.size)
        size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
        image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return np.asarray(image)


@contextmanager
def _opened(data: bytes, max_pixels: int) -> Generator[Image.Image]:
    """The image opened by Pillow, its size checked; whatever goes wrong inside comes out as a `MediaError`."""
    width, height = headers.size(mime(data), data)
    _check(width, height, max_pixels)
    try:
        with Image.open(io.BytesIO(data), formats=_formats()) as image:
            _check(*image.size, max_pixels)
            yield image
    except LimnerError:
        raise
    except Image.UnidentifiedImageError:
        raise MediaError(f"cannot decode {len(data)} bytes of {mime(data)}: not a format limner decodes") from None
    except Exception as error:  # a damaged file makes Pillow raise almost anything
        raise MediaError(f"cannot decode {len(data)} bytes of {mime(data)}: {error}") from error


@cache
def _formats() -> tuple[str, ...]:
    """Those of `FORMATS` that this Pillow was built with."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _check(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise MediaError(f"the image is {width} x {height}, more than the bound of {max_pixels} pixels")


def _rgb(image: Image.Image, data: bytes) -> Pixels:
    """The current frame of an opened image, upright, over white, as RGB."""
    image.load()
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        grey = _grey(image)
        return np.ascontiguousarray(np.repeat(_upright_array(grey, image)[:, :, None], 3, axis=2))
    if image.mode == "CMYK":
        image = _from_cmyk(image, data)
    elif image.mode == "LAB":
        to_rgb = ImageCms.buildTransform(_profile("LAB"), _profile("sRGB"), "LAB", "RGB")
        image = cast("Image.Image", ImageCms.applyTransform(image, to_rgb))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        front = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", front.size, "white"), front)
    upright = ImageOps.exif_transpose(image)
    return np.asarray(upright if upright.mode == "RGB" else upright.convert("RGB"))


def _grey(image: Image.Image) -> Pixels:
    """Deep grey samples in 8 bits: 16-bit ones by their full range, 32-bit and real ones stretched over theirs."""
    values: NDArray[Any] = np.asarray(image)
    if values.dtype.itemsize == 2 or (image.format == "PNG" and image.mode == "I"):
        # 255/65535 is 1/257; adding half of it rounds.
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    real = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(real.min()), float(real.max())
    if low >= 0 and high <= 1 and image.mode == "F":
        low, high = 0.0, 1.0
    return np.rint((real - low) * (255 / (high - low) if high > low else 0)).astype(np.uint8)


_TURNS = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False)}


def _upright_array(grey: Pixels, image: Image.Image) -> Pixels:
    """Turned as Exif says: quarter turns to the left, then mirrored (TIFF files come turned by Pillow)."""
    turns, mirrored = _TURNS.get(image.getexif().get(0x0112, 1), (0, False)) if image.format != "TIFF" else (0, False)
    grey = np.rot90(grey, turns)
    return np.fliplr(grey) if mirrored else grey


def _from_cmyk(image: Image.Image, data: bytes) -> Image.Image:
    """CMYK to RGB by the embedded profile, without one by plain subtraction as browsers do."""
    profile = image.info.get("icc_profile")
    if image.format in ("JPEG", "MPO") and "adobe" not in image.info:
        # Pillow takes every four-channel JPEG for Adobe's, whose samples are inverted.
        inverted = Image.fromarray(255 - np.asarray(image), "CMYK")
        inverted.info = image.info
        image = inverted
    if profile:
        try:
            converted = ImageCms.profileToProfile(image, io.BytesIO(profile), _profile("sRGB"), outputMode="RGB")
            return cast("Image.Image", converted)
        except (ImageCms.PyCMSError, OSError, ValueError):
            # A damaged profile is no reason to lose the image.
            return image.convert("RGB")
    return image.convert("RGB")


def _profile(space: Literal["LAB", "sRGB"]) -> Any:
    return cast("Any", ImageCms.createProfile(space))  # pyright: ignore[reportUnknownMemberType]


def _raster(data: bytes, max_pixels: int, side: int = 0) -> Pixels:
    from limner.corpus.raster import rasterise

    return rasterise(data, max_pixels, side)
