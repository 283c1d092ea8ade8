"""Perceptual hashes of real images: near their own resized, recompressed and converted copies, far from others."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from limner.corpus.pixels import decode, thumbnail
from limner.curate.phash import FLAT, dhash, flatness, hamming, near_pairs, phash

from .pages import images


def encode(image: Image.Image, format: str, **options) -> bytes:
    with io.BytesIO() as file:
        image.save(file, format, **options)
        return file.getvalue()


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    """Real images of at least 100 x 100, every twentieth."""
    found = []
    for path in images(".png", ".jpg")[::20]:
        pixels = decode(path.read_bytes())
        if min(pixels.shape[:2]) >= 100 and flatness(pixels) > 10:
            # Small enough to be encoded often.
            found.append(Image.fromarray(thumbnail(path.read_bytes(), 400)))
    assert len(found) > 35
    return found[:40]


COPIES = {
    "jpeg 85": lambda image: encode(image, "JPEG", quality=85),
    "jpeg 40": lambda image: encode(image, "JPEG", quality=40),
    "webp": lambda image: encode(image, "WEBP", quality=70),
    "half": lambda image: encode(image.resize((image.width // 2, image.height // 2)), "PNG"),
    "double": lambda image: encode(image.resize((image.width * 2, image.height * 2)), "PNG"),
    "half, jpeg": lambda image: encode(image.resize((image.width // 2, image.height // 2)), "JPEG", quality=75),
    "stretched": lambda image: encode(image.resize((image.width, image.height * 3 // 4)), "PNG"),
    "palette": lambda image: encode(image.quantize(256), "GIF"),
}


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("function", [phash, dhash])
def test_copies_hash_nearly_alike(pictures, name, function):
    apart = []
    for image in pictures:
        first = function(thumbnail(encode(image, "PNG"), 128))
        second = function(thumbnail(COPIES[name](image), 128))
        if first is not None and second is not None:
            apart.append(hamming(first, second))
    # Some screenshots have too little structure to be hashed.
    assert len(apart) >= 0.9 * len(pictures)
    assert np.median(apart) <= 2
    if function is phash:
        assert np.mean(np.array(apart) <= 4) >= 0.98
        assert max(apart) <= 10


def test_different_images_hash_far_apart(pictures):
    found = [phash(np.asarray(image)) for image in pictures]
    hashes = np.array([value for value in found if value is not None], np.uint64)
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None, :])[np.triu_indices(len(hashes), 1)]
    # The manual has dialogs that differ by a word: nearly all pairs, not all.
    assert np.mean(apart > 8) > 0.99
    assert 28 < np.mean(apart) < 36


@pytest.mark.parametrize("function", [phash, dhash])
def test_an_image_of_one_colour_has_no_hash(function):
    assert function(np.full((50, 80, 3), 200, np.uint8)) is None
    noise = np.random.default_rng(1).integers(198, 203, (80, 80, 3)).astype(np.uint8)
    assert flatness(noise) < FLAT
    assert function(noise) is None


def test_an_image_with_little_structure_has_no_hash():
    page = np.full((200, 300, 3), 255, np.uint8)
    page[100:103] = 0
    assert flatness(page) > FLAT
    assert phash(page) is None


def test_bits_follow_their_definition():
    ramp = np.tile(np.arange(0, 252, 28, dtype=np.uint8)[None, :, None], (8, 1, 3))
    assert ramp.shape == (8, 9, 3)
    assert dhash(ramp) == 2**64 - 1
    assert dhash(ramp[:, ::-1]) == 0


def test_a_hash_has_half_its_bits_set(pictures):
    found = [phash(np.asarray(image)) for image in pictures]
    assert {value.bit_count() for value in found if value is not None} == {32}


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40, unique=True), st.integers(0, 8), st.data())
@settings(max_examples=60)
def test_near_pairs_are_all_and_only_those(values, distance, data):
    # Plant neighbours, which random numbers do not have.
    for value in values[:10]:
        flips = data.draw(st.lists(st.integers(0, 63), max_size=10, unique=True))
        values = [*values, value ^ sum(1 << bit for bit in flips)]
    hashes = np.array(list(dict.fromkeys(values)), np.uint64)
    expected = [
        [i, j]
        for i in range(len(hashes))
        for j in range(i + 1, len(hashes))
        if hamming(int(hashes[i]), int(hashes[j])) <= distance
    ]
    assert near_pairs(hashes, distance).tolist() == expected


def test_near_pairs_refuses_a_senseless_distance():
    with pytest.raises(ValueError, match="0-31"):
        near_pairs(np.zeros(2, np.uint64), 40)
