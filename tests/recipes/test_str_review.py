"""The recipe str-review: texts stay where they are said to be, what is read is scored as said, the smoke run measures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from limner.evaluate.benchmarks.typeset import font_files
from limner.experts.ocr import Line
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.recipes.str_review import scored
from limner.recipes.textscenes import CHALLENGES, STRENGTHS, Draft, Scene, plain, warped
from limner.sources.datasets import dataset

pytestmark = pytest.mark.skipif(not font_files(), reason="no fonts on this machine")


def draft(seed: int = 3) -> Draft:
    return Draft(Image.new("RGB", (50, 50), (90, 120, 90)), ("grinning face", "red apple", "blue book"), seed)


def test_ink_is_inside_the_corners():
    scene = plain(draft())
    pixels = np.asarray(scene.image.convert("L"), float)
    for region in scene.regions:
        left, top, right, bottom = map(round, region.box)
        assert np.ptp(pixels[top:bottom, left:right]) > 80
        assert np.ptp(pixels[top - 8 : top - 3, left:right]) < 10


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("challenge", CHALLENGES)
def test_a_challenge_changes_the_picture_and_keeps_texts_on_it(challenge: str, strength: str):
    before, after = plain(draft()), CHALLENGES[challenge](draft(), strength)
    assert np.asarray(before.image).tobytes() != np.asarray(after.image).tobytes()
    assert len(after.regions) == 3
    for region in after.regions:
        assert 0 <= region.box[0] < region.box[2] <= after.image.width
        assert 0 <= region.box[1] < region.box[3] <= after.image.height
    again = CHALLENGES[challenge](draft(), strength)
    assert np.asarray(again.image).tobytes() == np.asarray(after.image).tobytes()


def test_corners_go_where_the_picture_goes():
    image = Image.new("RGB", (640, 640), "white")
    image.paste("black", (100, 200, 140, 230))
    quad = np.array([(100, 200), (140, 200), (140, 230), (100, 230)], float)
    turned = warped(Scene(image, (("x", quad),)), np.array([(640, 0), (640, 640), (0, 640), (0, 0)], float))
    dark = np.argwhere(np.asarray(turned.image.convert("L")) < 60)
    left, top, right, bottom = turned.regions[0].box
    assert (left, top, right, bottom) == pytest.approx((410, 100, 440, 140))
    assert dark.min(0) == pytest.approx((100, 410), abs=2)
    assert dark.max(0) == pytest.approx((139, 439), abs=2)


def test_lines_are_scored_by_place_and_by_words():
    regions = plain(draft()).regions
    right = [Line(region.text, region.box, 1.0, ()) for region in regions]
    assert scored(right, regions) == (100, 100, 0)
    assert scored([], regions) == (0, 0, 100)
    moved = [Line(line.text, (0, 0, 5, 5), 1.0, ()) for line in right]
    assert scored(moved, regions) == (0, 100, 100)


def test_the_smoke_run():
    pytest.importorskip("rapidocr")
    pytest.importorskip("emoji")
    if not dataset("fluent-emoji").here:
        pytest.skip("needs `limner data get fluent-emoji`")
    figures = run(recipe("str-review"), "smoke")["figures"]
    assert figures["rapidocr.plain.words"]["mean"] > 50
    assert "rapidocr.lost.rotation.strong.gain" in figures
