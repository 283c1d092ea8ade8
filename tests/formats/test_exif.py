"""Metadata out of images: nothing of it is left, and the picture is the same to the last bit."""

from __future__ import annotations

import io
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from limner.corpus.probe import probe
from limner.formats.exif import SEGMENTS, orientation_block, strip

SECRET = b"SECRET-52.5200N-13.4050E"
KINDS = ("JPEG", "PNG", "WEBP")


def picture() -> Image.Image:
    image = Image.new("RGB", (60, 40), (30, 90, 200))
    image.paste((250, 20, 20), (5, 5, 25, 15))
    return image


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    if orientation:
        block[0x0112] = orientation
    block[0x010E] = SECRET.decode()
    return block


@cache  # it says when it was made, to the second
def icc() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encoded(kind: str, orientation: int = 0) -> bytes:
    options: dict[str, object] = {"exif": exif(orientation), "icc_profile": icc(), "quality": 80}
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", SECRET.decode())
        text.add_itxt("XML:com.adobe.xmp", SECRET.decode())
        options["pnginfo"] = text
    elif kind == "JPEG":
        options["comment"] = SECRET
        options["xmp"] = b"<x>" + SECRET + b"</x>"
    else:
        options["xmp"] = b"<x>" + SECRET + b"</x>"
        options["lossless"] = True
    with io.BytesIO() as file:
        picture().save(file, kind, **options)
        return file.getvalue()


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGBA").tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(9))
def test_only_the_orientation_and_the_colour_profile_stay(kind: str, orientation: int) -> None:
    data = encoded(kind, orientation)
    assert SECRET in data
    out, clean = strip(data)
    assert clean
    assert SECRET not in out
    assert pixels(out) == pixels(data)
    before, after = probe(data), probe(out)
    assert (after.mime, after.width, after.height) == (before.mime, before.width, before.height)
    with Image.open(io.BytesIO(out)) as image:
        assert image.info["icc_profile"] == icc()
        found = dict(image.getexif())
    assert found == ({0x0112: orientation} if orientation > 1 else {})
    assert strip(out).data is out


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_a_file_without_metadata_is_given_back_as_it_is(kind: str) -> None:
    with io.BytesIO() as file:
        picture().save(file, kind)
        data = file.getvalue()
    assert strip(data).data is data


def test_what_follows_the_picture_goes_too() -> None:
    for kind in KINDS:
        with io.BytesIO() as file:
            picture().save(file, kind)
            data = file.getvalue()
        out, clean = strip(data + SECRET)
        assert (out, clean) == (data, True)


def test_progressive_and_cmyk_jpeg_keep_their_scans_and_colours() -> None:
    for mode, options in (("RGB", {"progressive": True}), ("CMYK", {}), ("L", {"restart_marker_blocks": 2})):
        with io.BytesIO() as file:
            picture().convert(mode).save(file, "JPEG", exif=exif(6), **options)
            data = file.getvalue()
        out, clean = strip(data)
        assert clean
        assert SECRET not in out
        assert pixels(out) == pixels(data)


def test_animations_keep_their_frames() -> None:
    frames = [picture().rotate(10 * i) for i in range(4)]
    for kind in ("PNG", "WEBP"):
        with io.BytesIO() as file:
            frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=50, exif=exif(1), lossless=True)
            data = file.getvalue()
        out, _ = strip(data)
        assert SECRET not in out
        with Image.open(io.BytesIO(out)) as new, Image.open(io.BytesIO(data)) as old:
            assert new.n_frames == old.n_frames == 4
            for i in range(4):
                new.seek(i)
                old.seek(i)
                assert new.convert("RGBA").tobytes() == old.convert("RGBA").tobytes()


def test_the_second_picture_of_a_jpeg_and_its_metadata_go() -> None:
    with io.BytesIO() as file:
        picture().save(file, "MPO", save_all=True, append_images=[picture().rotate(90)], exif=exif(1))
        data = file.getvalue()
    out, clean = strip(data)
    assert clean
    assert SECRET not in out
    assert pixels(out) == pixels(data)


def test_kinds_that_are_not_taken_apart_are_said_to_be_so() -> None:
    with io.BytesIO() as file:
        picture().save(file, "TIFF", description=SECRET.decode())
        data = file.getvalue()
    assert strip(data) == (data, False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere_ends_in_no_error_and_gives_no_metadata_away(kind: str) -> None:
    data = encoded(kind, 6)
    for end in range(4, len(data), 7):
        out, clean = strip(data[:end])
        assert SECRET not in out or not clean


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_damage_costs_no_error(kind: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(encoded(kind, 3))
    for place, value in changes:
        data[place % len(data)] = value
    strip(bytes(data))


def test_a_file_of_endless_segments_is_given_up() -> None:
    data = b"\xff\xd8" + b"\xff\xe1\x00\x02" * (SEGMENTS + 10)
    assert strip(data) == (data, False)


def test_the_block_says_only_the_orientation() -> None:
    block = Image.Exif()
    block.load(b"Exif\0\0" + orientation_block(8))
    assert dict(block) == {0x0112: 8}
