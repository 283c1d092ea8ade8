"""Measures of text read in images."""

from __future__ import annotations

import time

import pytest

from limner.evaluate.metrics.ocr import Region, accuracy, character_rate, spotted, word_counts

pytest.importorskip("rapidfuzz")


def test_words_count_as_often_as_they_occur():
    found = word_counts("the the cat sat", "The cat sat on the mat the end")
    assert (found.right, found.found, found.true) == (4, 4, 8)
    assert (found.precision, found.recall) == (1.0, 0.5)
    assert found.f1 == pytest.approx(2 / 3)
    assert word_counts("cat cat", "cat").right == 1


def test_words_eighty_percent_alike_are_one():
    # Twice 8 common characters of 9 + 8 is 94 %; of "cot" and "cat" 4 of 6, 67 %.
    assert word_counts("umbrellla cot", "umbrella cat", 80).right == 1
    assert word_counts("umbrellla cot", "umbrella cat").right == 0
    # 4 of 5 and 4 of 5 common: 80 % exactly is enough.
    assert accuracy("brown", "crown") == 1.0


def test_each_word_read_takes_the_first_free_one_that_is_like_it():
    # The first takes "house", so that the second, which is the very word, is left with "mouse" (80 %), and the third with nothing.
    assert word_counts("mouse house horse", "house mouse", 80).right == 2


def test_nothing_wanted_is_read_by_nobody():
    assert accuracy("words", "") == 0.0
    assert accuracy("", "words") == 0.0
    assert word_counts("", "").f1 == 1.0


def test_cer_is_by_the_longer_text():
    found = character_rate("Tho caf", "The cafe")
    assert found.edits == 2
    assert found.distance == pytest.approx(2 / 8)


def test_a_flood_of_words_is_counted_and_not_matched():
    started = time.process_time()
    found = word_counts(" ".join(f"w{i}" for i in range(30_000)), "w1 w25000", 80)
    assert (found.found, found.true) == (30_000, 2)
    assert time.process_time() - started < 5


TRUE = [
    Region("Open", (0, 0, 100, 20)),
    Region("daily", (0, 30, 100, 50)),
    Region("###", (200, 0, 300, 20), ignored=True),
    Region("EXIT", (0, 60, 100, 80)),
]


def test_regions_are_found_by_overlap_and_read_by_their_words():
    found = [
        Region("OPEN!", (5, 0, 100, 20)),  # found and read
        Region("dally", (0, 30, 90, 50)),  # found, misread
        Region("noise", (205, 0, 300, 20)),  # on what cannot be read: left out
        Region("EXIT", (0, 60, 40, 80)),  # read, but too small: 40 % of the union
    ]
    result = spotted(found, TRUE)
    assert (result.places.right, result.places.found, result.places.true) == (2, 3, 3)
    assert (result.texts.right, result.texts.found, result.texts.true) == (1, 3, 3)
    assert result.accuracy == 0.5
    assert spotted(found, TRUE, case=True).texts.right == 0


def test_a_region_is_found_once():
    twice = [Region("Open", (0, 0, 100, 20)), Region("Open", (1, 0, 100, 20))]
    result = spotted(twice, TRUE[:1])
    assert result.places.right == 1
    assert result.places.precision == 0.5


def test_as_many_pairs_as_there_can_be():
    # The first found one overlaps both true ones; taking the nearer would leave the second found one without any.
    found = [Region("a", (0, 0, 100, 20)), Region("b", (0, 0, 100, 14))]
    true = [Region("b", (0, 0, 100, 19)), Region("a", (0, 8, 100, 22))]
    assert spotted(found, true, threshold=0.5).places.right == 2


def test_counts_add_up_over_images():
    total = spotted([], TRUE) + spotted(TRUE, TRUE)
    assert total.places.recall == total.texts.recall == 0.5


def test_what_a_reader_reads_is_scored():
    pytest.importorskip("rapidocr")
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    from limner.experts.ocr import ocr

    image = Image.new("RGB", (480, 160), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(36)
    lines = [("Closed today", (20, 20)), ("Back on Monday", (20, 90))]
    for line, at in lines:
        draw.text(at, line, "black", font=font)
    true = [Region(line, draw.textbbox(at, line, font=font)) for line, at in lines]
    read = ocr().read([np.asarray(image)])[0]
    assert accuracy(" ".join(line.text for line in read), " ".join(line for line, _ in lines)) == 1.0
    result = spotted([Region(line.text, line.box) for line in read], true)
    assert result.texts.f1 == 1.0
