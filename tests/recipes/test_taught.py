"""Small models that are taught one corpus or another."""

import random
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from limner.models.decoder import DecoderSettings  # noqa: E402
from limner.recipes.taught import Small, Told, taught  # noqa: E402

SMALL = Small(DecoderSettings(64, 2, 2, 2, 128), 400, 512, 128, 20_000, most=30)


def said(words: str, count: int, seed: int) -> list[Told]:
    chance = random.Random(seed)
    return [Told((" ".join(chance.choices(words.split(), k=30)),)) for _ in range(count)]


def test_what_is_like_the_test_teaches_more():
    sea, city = "wave salt wind tide shell", "street tram brick square lamp"
    found = taught(
        {"sea": said(sea, 80, 1), "city": said(city, 80, 2)}, {"sea": said(sea, 20, 3), "city": said(city, 20, 4)}, SMALL, 0
    )
    assert found["sea", "sea"].shape == (20,)
    assert found["sea", "sea"].mean() < found["city", "sea"].mean()
    assert found["city", "city"].mean() < found["sea", "city"].mean()


def test_only_what_is_asked_for_is_counted_and_images_tell_it():
    """Captions that only the image tells: with features they are read, without a guess among four."""
    names = ["wave", "salt", "wind", "tide"]
    chance = random.Random(0)

    def told(shown: bool, count: int) -> list[Told]:
        out = []
        for _ in range(count):
            at = chance.randrange(4)
            feature = np.eye(4, dtype=np.float32)[at] * (4.0 if shown else 0.0)
            out.append(Told(("some words before", feature, f"a picture of the {names[at]} here"), frozenset((2,))))
        return out

    small = replace(SMALL, taught=60_000)
    seen = taught({"way": told(True, 200)}, {"t": told(True, 30)}, small, 0)["way", "t"].mean()
    blind = taught({"way": told(False, 200)}, {"t": told(False, 30)}, small, 0)["way", "t"].mean()
    assert seen < 0.5 * blind


def test_the_same_seed_gives_the_same():
    ways, tests = {"a": said("wave salt wind", 20, 1)}, {"t": said("wave salt", 4, 2)}
    one, two = (taught(ways, tests, SMALL, 3)["a", "t"] for _ in range(2))
    assert np.array_equal(one, two)
