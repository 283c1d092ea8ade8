"""Types and sizes from headers, checked against Pillow's own encodings and against hostile bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from limner.corpus import headers
from limner.corpus.probe import mime, probe

from .drawn import SIZE, encode, exif, picture, rotated_jpeg, svg

ENCODINGS = [
    ("image/png", "PNG", {}),
    ("image/jpeg", "JPEG", {}),
    ("image/jpeg", "JPEG", {"progressive": True}),
    ("image/gif", "GIF", {}),
    ("image/webp", "WEBP", {}),
    ("image/webp", "WEBP", {"lossless": True}),
    ("image/bmp", "BMP", {}),
    ("image/tiff", "TIFF", {}),
    ("image/avif", "AVIF", {}),
    ("image/jp2", "JPEG2000", {}),
]


@pytest.mark.parametrize(("kind", "format", "options"), ENCODINGS)
def test_type_and_size_are_those_of_the_file(kind, format, options):
    if format == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF encoder")
    data = encode(picture(), format, **options)
    info = probe(data)
    assert (info.mime, info.width, info.height) == (kind, *SIZE)
    assert info.size == len(data)
    assert info.ref == hashlib.sha256(data).hexdigest()


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"]))
@settings(max_examples=60, deadline=None)
def test_every_size_is_read_as_it_was_written(width, height, format):
    info = probe(encode(Image.new("RGB", (width, height)), format))
    assert (info.width, info.height) == (width, height)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_size_is_the_one_displayed_after_exif_rotation(orientation, format):
    stored = SIZE if orientation < 5 else SIZE[::-1]
    data = encode(Image.new("RGB", stored), format, exif=exif(orientation))
    assert (probe(data).width, probe(data).height) == SIZE


def test_a_thumbnail_inside_exif_does_not_count():
    thumbnail = encode(picture(30, 20), "JPEG")
    app1 = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + thumbnail
    data = rotated_jpeg(1)
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(app1) + 2) + app1 + data[2:]
    assert (probe(data).width, probe(data).height) == SIZE


def test_an_icon_has_the_size_of_its_largest_image():
    data = encode(picture(256, 256), "ICO", sizes=[(16, 16), (48, 48), (256, 256)])
    assert (probe(data).mime, probe(data).width) == ("image/x-icon", 256)


def test_a_bitmap_stored_from_the_top_has_a_positive_height():
    data = bytearray(encode(picture(), "BMP"))
    data[22:26] = struct.pack("<i", -SIZE[1])
    assert (probe(bytes(data)).width, probe(bytes(data)).height) == SIZE


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="120" height="80"', (120, 80)),
        ('width="120px" height="80.4px"', (120, 80)),
        ("width='1in' height='72pt'", (96, 96)),
        ('width="25.4mm" height="2.54cm"', (96, 96)),
        ('viewBox="0 0 640 480"', (640, 480)),
        ('viewBox="0,0,640,480" width="100%" height="100%"', (640, 480)),
        ('width="320" viewBox="-5 -5 640 480"', (320, 240)),
        ('height="1e2" viewBox="0 0 640 480"', (133, 100)),
        ("", (0, 0)),
        ('width="-5" height="5"', (0, 0)),
        ('width="1e999" height="5"', (0, 0)),
        ('width="0" height="0" viewBox="0 0 0 0"', (0, 0)),
        ('data-width="7" stroke-width="9" width="3" height="4"', (3, 4)),
    ],
)
def test_an_svg_has_the_size_its_root_gives(attributes, size):
    info = probe(svg(attributes))
    assert (info.mime, info.width, info.height) == ("image/svg+xml", *size)


@pytest.mark.parametrize(
    "data",
    [
        b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- <svg width="9"> -->\n' + svg(),
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd">' + svg(),
        b'<!DOCTYPE svg [<!ENTITY a "1"><!ENTITY b "&a;&a;">]>\n' + svg(),
        svg().replace(b"<svg xmlns", b"<s:svg xmlns:s"),
        gzip.compress(svg()),
        ('<?xml version="1.0" encoding="UTF-16"?>' + svg().decode()).encode("utf-16"),
    ],
)
def test_what_precedes_the_root_of_an_svg_is_skipped(data):
    assert (probe(data).mime, probe(data).width, probe(data).height) == ("image/svg+xml", 120, 80)


def test_a_page_with_an_svg_inside_is_not_an_svg():
    assert probe(b"<!DOCTYPE html><html><body>" + svg() + b"</body></html>").mime == "application/octet-stream"


def test_a_gzip_bomb_is_opened_no_further_than_its_head():
    data = gzip.compress(svg() + bytes(64 << 20))
    started = time.process_time()
    assert probe(data).width == 120
    assert time.process_time() - started < 0.2


def test_jpeg_xl_headers_bare_and_boxed():
    # Bit by bit from ISO/IEC 18181-1: small=1, height/8-1=9 in five bits, ratio 4 (3:2) in three.
    code = b"\xff\x0a" + (1 | 9 << 1 | 4 << 6).to_bytes(2, "little") + bytes(16)
    boxed = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14ftypjxl \0\0\0\0jxl " + b"\0\0\0\x1cjxlc" + code
    for data in (code, boxed):
        assert (probe(data).mime, probe(data).width, probe(data).height) == ("image/jxl", 120, 80)
    # small=0, height: selector 0, 9 bits; no ratio; width: selector 1, 13 bits; then orientation 6.
    bits, at = 0, 0
    for value, count in ((0, 1), (0, 2), (79, 9), (0, 3), (1, 2), (119, 13), (0, 1), (1, 1), (5, 3)):
        bits |= value << at
        at += count
    assert probe(b"\xff\x0a" + bits.to_bytes(8, "little")).width == 80


def sound(rate: int = 8000) -> bytes:
    with io.BytesIO() as file:
        with wave.open(file, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(rate)
            writer.writeframes(np.zeros(100, np.int16).tobytes())
        return file.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (sound(), "audio/wav"),
        (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg"),
        ((b"\xff\xfb\x90\x00" + bytes(413)) * 2, "audio/mpeg"),
        (b"\xff\xfb\x90\x00" + bytes(800), "application/octet-stream"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"OggS\0\x02" + bytes(22) + b"\x01\x1e\x01vorbis", "audio/ogg"),
        (b"OggS\0\x02" + bytes(22) + b"\x01\x2a\x80theora", "video/ogg"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "video/webm"),
        (b"\0\0\0\x18ftypisom\0\0\x02\0isommp42", "video/mp4"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42", "audio/mp4"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "image/avif"),
        (b"glTF\x02\0\0\0", "model/gltf-binary"),
        (b'{"asset": {"version": "2.0"}, "meshes": []}', "model/gltf+json"),
        (b'{"assets": 3}', "application/octet-stream"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"", "application/octet-stream"),
        (b"<html>", "application/octet-stream"),
        (b"BMW is a car maker", "application/octet-stream"),
        (b"plain words", "application/octet-stream"),
    ],
)
def test_types_by_content(data, kind):
    assert mime(data) == kind
    assert probe(data).mime == kind


STARTS = [
    encode(picture(), "PNG"),
    rotated_jpeg(6),
    encode(picture(), "WEBP", exif=exif(6)),
    encode(picture(), "TIFF", exif=exif(3)),
    encode(picture(), "GIF"),
    encode(picture(256, 256), "ICO"),
    encode(picture(), "JPEG2000"),
    *([encode(picture(), "AVIF")] if features.check("avif") else []),
    svg(),
    gzip.compress(svg()),
    b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x10jxlp\0\0\0\0\xff\x0a",
]


@given(st.sampled_from(STARTS), st.data())
@settings(max_examples=600, deadline=None)
def test_no_bytes_make_it_raise_or_take_long(start, data):
    damaged = bytearray(start)
    for _ in range(data.draw(st.integers(0, 12))):
        damaged[data.draw(st.integers(0, min(len(damaged), 400) - 1))] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(0, len(damaged)))]
    started = time.process_time()
    info = probe(bytes(damaged))
    assert time.process_time() - started < 1
    assert info.width >= 0
    assert info.height >= 0
    assert bool(info.width) == bool(info.height)


@given(st.binary(max_size=300))
def test_random_bytes_are_taken(data):
    assert probe(data).size == len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff" + b"\xff" * 5_000_000,
        b"\xff\xd8" + b"\xff\xe2\0\x02" * 1_000_000,
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\0\0\0\0" + b"\0\0\0\0tEXt\0\0\0\0" * 500_000,
        b"RIFF\xff\xff\xff\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\1\0\0\1\0\0" + b"ANMF\0\0\0\0" * 500_000,
        b"<svg " + b"a" * 5_000_000,
        b"<!--" * 1_000_000,
        b"<svg" + b" a='b'" * 1_000_000,
        b"<svg width='" + b"1" * 60_000 + b"' height='1'>",
        b"\0\0\0\x14ftypavif\0\0\0\0avif" + b"\0\0\0\x08free" * 500_000,
    ],
)
def test_headers_made_to_cost_time_do_not(data):
    hashing = time.process_time()
    hashlib.sha256(data).hexdigest()
    hashing = time.process_time() - hashing
    started = time.process_time()
    probe(data)
    assert time.process_time() - started < 0.5 + hashing


def test_sizes_agree_with_pillow_on_real_images():
    root = Path(os.environ.get("LIMNER_DATA", Path.home() / ".cache/limner/data"))
    paths = [p for name in ("sasview", "gimp-help-en") for p in (root / name).rglob("*.*")] if root.is_dir() else []
    paths = [p for p in paths if p.suffix.lower() in {".png", ".jpg", ".jpeg", ".gif", ".webp"}][:400]
    if not paths:
        pytest.skip("no sasview or gimp-help-en below LIMNER_DATA (limner data get sasview)")
    for path in paths:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            expected = headers.turned(*image.size, image.getexif().get(0x0112, 1))
            kind = image.get_format_mimetype()
        info = probe(data)
        assert (info.mime, info.width, info.height) == (kind, *expected), path
