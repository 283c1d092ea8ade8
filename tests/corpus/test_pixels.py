"""Pixels out of real encodings: each drawn from one known picture, each must look like it."""

from __future__ import annotations

import base64
import io
import os
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from limner.corpus.pixels import decode, frames, thumbnail
from limner.errors import MediaError

from .drawn import SIZE, encode, exif, picture, rotated_jpeg, svg

PICTURE = np.asarray(picture())


def difference(pixels: np.ndarray, expected: np.ndarray = PICTURE) -> float:
    """The mean distance of two images, in 255ths."""
    assert pixels.dtype == np.uint8
    assert pixels.shape == expected.shape
    return float(np.abs(pixels.astype(float) - expected).mean())


@pytest.mark.parametrize(
    ("format", "options", "bound"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 95}, 4),
        ("JPEG", {"quality": 95, "progressive": True}, 4),
        ("WEBP", {"quality": 95}, 3),
        ("AVIF", {"quality": 95}, 3),
        ("JPEG2000", {}, 0),
        ("GIF", {}, 8),
    ],
)
def test_each_format_shows_the_picture(format, options, bound):
    assert difference(decode(encode(picture(), format, **options))) <= bound


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(orientation):
    assert difference(decode(rotated_jpeg(orientation))) < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_of_deep_grey_is_undone(orientation):
    grey = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    stored = encode(Image.fromarray(grey), "PNG", exif=exif(orientation))
    as_eight_bits = Image.fromarray((grey // 257).astype(np.uint8))
    expected = decode(encode(as_eight_bits, "PNG", exif=exif(orientation)))
    pixels = decode(stored)
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() <= 1


def cmyk_jpeg(image: Image.Image, **options) -> bytes:
    return encode(image.convert("CMYK"), "JPEG", quality=95, subsampling=0, **options)


def without_adobe(data: bytes) -> bytes:
    """A JPEG without its Adobe segment."""
    start = data.index(b"\xff\xee")
    (length,) = struct.unpack(">H", data[start + 2 : start + 4])
    return data[:start] + data[start + 2 + length :]


def test_cmyk_with_adobes_inversion():
    data = cmyk_jpeg(picture())
    assert b"Adobe" in data
    assert difference(decode(data)) < 3


def test_cmyk_without_adobes_inversion():
    # Pillow writes samples inverted; a picture inverted before is stored the right way round.
    inverted = Image.fromarray(255 - np.asarray(picture().convert("CMYK")), "CMYK")
    data = without_adobe(encode(inverted, "JPEG", quality=95, subsampling=0))
    assert difference(decode(data)) < 3


def test_a_damaged_profile_in_cmyk_costs_the_profile_only():
    assert difference(decode(cmyk_jpeg(picture(), icc_profile=b"no profile"))) < 3
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert difference(decode(cmyk_jpeg(picture(), icc_profile=srgb))) < 3


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_not_cut(format):
    values = np.linspace(0, 65535, 256 * 4).astype(np.uint16).reshape(4, 256)
    pixels = decode(encode(Image.fromarray(values), format))
    assert np.array_equal(pixels[:, :, 0], np.rint(values / 257.0).astype(np.uint8))
    assert pixels.shape == (4, 256, 3)


def test_16_bit_colour_png():
    values = np.stack([np.full((2, 8), v) for v in (65535, 32768, 256)], axis=-1).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", 8, 2, 16, 2, 0, 0, 0))
    data += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert decode(data)[0, 0].tolist() == [255, 128, 1]


def test_real_numbers_in_a_tiff():
    data = encode(Image.fromarray(np.array([[0, 0.5, 1]], np.float32)), "TIFF")
    assert decode(data)[0, :, 0].tolist() == [0, 128, 255]
    data = encode(Image.fromarray(np.array([[-3, 0, 3]], np.float32)), "TIFF")
    assert decode(data)[0, :, 0].tolist() == [0, 128, 255]


def test_transparency_lies_over_white():
    image = picture().convert("RGBA")
    image.putalpha(Image.new("L", SIZE, 0))
    assert (decode(encode(image, "PNG")) == 255).all()
    palette = picture().quantize(16)
    palette.info["transparency"] = bytes(16)
    assert (decode(encode(palette, "PNG", transparency=bytes(16))) == 255).all()
    half = Image.new("LA", (2, 2), (0, 128))
    assert decode(encode(half, "PNG"))[0, 0].tolist() == [127, 127, 127]


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_and_all(format):
    colours = [(200, 10, 10), (10, 200, 10), (10, 10, 200)]
    images = [Image.new("RGB", (20, 10), colour) for colour in colours]
    data = encode(images[0], format, save_all=True, append_images=images[1:], duration=50)
    assert np.abs(decode(data).astype(int) - colours[0]).max() < 8
    shown = list(frames(data))
    assert len(shown) == 3
    for pixels, colour in zip(shown, colours, strict=True):
        assert np.abs(pixels.astype(int) - colour).max() < 8
    assert len(list(frames(data, limit=2))) == 2
    assert len(list(frames(data, max_pixels=450))) == 2


def test_one_bit_and_palette():
    assert difference(decode(encode(picture().quantize(256), "PNG"))) < 8
    ones = picture().convert("1")
    assert np.array_equal(decode(encode(ones, "PNG"))[:, :, 0], np.asarray(ones).astype(np.uint8) * 255)


def test_a_thumbnail_fits_and_shows_the_picture():
    large = picture(2400, 1600)
    for data in (encode(large, "JPEG", quality=90), encode(large, "PNG")):
        small = thumbnail(data, 120)
        assert small.shape == (80, 120, 3)
        assert difference(small) < 4
    assert thumbnail(encode(picture(), "PNG"), 500).shape == (80, 120, 3)
    assert thumbnail(rotated_jpeg(6), 60).shape == (40, 60, 3)


def test_a_large_jpeg_is_faster_as_a_thumbnail():
    data = encode(picture(4000, 3000), "JPEG", quality=90)
    started = time.process_time()
    decode(data)
    whole = time.process_time() - started
    started = time.process_time()
    thumbnail(data, 64)
    assert time.process_time() - started < whole


def test_more_pixels_than_the_bound_are_not_decoded():
    data = encode(Image.new("L", (9000, 9000)), "PNG")
    started = time.process_time()
    with pytest.raises(MediaError, match="9000 x 9000"):
        decode(data)
    with pytest.raises(MediaError, match="more than the bound of 100 pixels"):
        decode(encode(picture(), "GIF"), max_pixels=100)
    assert time.process_time() - started < 0.2


@pytest.mark.parametrize("data", [b"", b"not an image", encode(picture(), "PNG")[:400], b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_image_or_cut_short_is_an_error(data):
    with pytest.raises(MediaError):
        decode(data)


@given(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "ICO"]), st.data())
@settings(max_examples=200, deadline=None)
def test_damage_gives_pixels_or_a_media_error(format, draw):
    data = bytearray(encode(picture(64, 48), format))
    for _ in range(draw.draw(st.integers(1, 8))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        pixels = decode(bytes(data[: draw.draw(st.integers(1, len(data)))]), max_pixels=1_000_000)
    except MediaError:
        return
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3


def test_an_svg_is_drawn_over_white():
    pytest.importorskip("resvg_py")
    pixels = decode(svg())
    assert pixels.shape == (80, 120, 3)
    assert pixels[40, 30].tolist() == [255, 0, 0]
    assert pixels[40, 90].tolist() == [255, 255, 255]
    assert thumbnail(svg(), 60).shape == (40, 60, 3)
    assert max(decode(svg("")).shape) <= 300
    assert decode(svg('viewBox="0 0 60 40"')).shape == (40, 60, 3)


def test_an_svg_reads_no_file(tmp_path):
    pytest.importorskip("resvg_py")
    secret = tmp_path / "secret.png"
    Image.new("RGB", (120, 80), (0, 0, 255)).save(secret)
    image = f'<image {{}}="{secret}" width="120" height="80"/>'
    for body in (
        image.format("href"),
        image.format("href").replace(str(secret), secret.as_uri()),
        image.format("xlink:href").replace("<image", '<image xmlns:xlink="http://www.w3.org/1999/xlink"'),
    ):
        assert (decode(svg(body=body)) == 255).all()
    entity = (
        f'<!DOCTYPE svg [<!ENTITY e "&#60;image &#104;ref=&#39;{secret}&#39; width=&#39;120&#39; height=&#39;80&#39;/&#62;">]>'
    )
    assert (decode(entity.encode() + svg(body="&e;")) == 255).all()
    external = f'<!DOCTYPE svg [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
    assert (decode(external.encode() + svg(body="&e;")) == 255).all()


def test_an_image_inside_an_svg_is_drawn():
    pytest.importorskip("resvg_py")
    inside = base64.b64encode(encode(Image.new("RGB", (12, 8), (0, 0, 255)), "PNG")).decode()
    body = f'<image href="data:image/png;base64,{inside}" width="120" height="80"/>'
    assert (decode(svg(body=body))[40, 60] == (0, 0, 255)).all()


def test_an_entity_of_the_file_is_written_out():
    pytest.importorskip("resvg_py")
    data = b'<!DOCTYPE svg [<!ENTITY colour "#00f">]>' + svg(body='<rect width="120" height="80" fill="&colour;"/>')
    assert decode(data)[40, 60].tolist() == [0, 0, 255]


def uses(depth: int, width: int) -> str:
    levels = ['<g id="l0"><rect width="1" height="1"/></g>']
    levels += [f'<g id="l{i}">' + f'<use href="#l{i - 1}"/>' * width + "</g>" for i in range(1, depth)]
    return "".join(levels)


def patterns(depth: int) -> str:
    rects = '<rect width="1" height="1" fill="url(#p{0})"/>' * 10
    return "".join(
        f'<pattern id="p{i}" width="1" height="1">{rects.format(i - 1)}</pattern>' for i in range(1, depth)
    ) + rects.format(depth - 1)


@pytest.mark.parametrize(
    "data",
    [
        svg(body=uses(30, 10)),
        svg(body=patterns(12)),
        svg(body="<g>" * 100_000),
        svg(body="<g>" * 100_000 + "</g>" * 100_000),
        svg(body="<g/>" * 1_000_000),
        b"<!DOCTYPE svg ["
        + b"".join(b'<!ENTITY e%d "%s">' % (i, b"&e%d;" % (i - 1) * 10 if i else b"x" * 10) for i in range(12))
        + b"]>"
        + svg(body="&e11;"),
        svg('width="1000000" height="1000000"'),
        svg()[:-4],
        b"\x1f\x8b\x08" + b"<svg",
    ],
)
def test_svg_bombs_are_errors_within_a_second(data):
    pytest.importorskip("resvg_py")
    started = time.process_time()
    with pytest.raises(MediaError):
        decode(data)
    assert time.process_time() - started < 2


def test_svgs_that_refer_to_themselves_end():
    pytest.importorskip("resvg_py")
    body = '<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g><rect width="120" height="80" fill="#f00"/>'
    with pytest.raises(MediaError, match="limit"):
        decode(svg(body=body))
    pattern = '<pattern id="p" width="9" height="9"><rect width="9" height="9" fill="url(#p)"/></pattern>'
    assert decode(svg(body=pattern + '<rect width="120" height="80" fill="#f00"/>'))[10, 10].tolist() == [255, 0, 0]


def test_real_images_decode_to_the_size_of_their_header():
    from limner.corpus.probe import probe

    root = Path(os.environ.get("LIMNER_DATA", Path.home() / ".cache/limner/data"))
    paths = [p for name in ("sasview", "gimp-help-en") for p in (root / name).rglob("*.*")] if root.is_dir() else []
    paths = [p for p in paths if p.suffix.lower() in {".png", ".jpg", ".jpeg", ".gif", ".svg"}][:400:4]
    if not paths:
        pytest.skip("no sasview or gimp-help-en below LIMNER_DATA (limner data get sasview)")
    for path in paths:
        data = path.read_bytes()
        info = probe(data)
        pixels = decode(data)
        assert pixels.shape == (info.height, info.width, 3), path
        small = thumbnail(data, 32)
        assert max(small.shape[:2]) <= 32
        with Image.open(io.BytesIO(data)) as image:
            if image.mode == "RGB" and image.getexif().get(0x0112, 1) == 1:
                assert np.array_equal(pixels, np.asarray(image))
