"""Text in pixels, read by what comes with the extra `ocr`."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from limner.errors import ExpertError
from limner.experts.address import check
from limner.experts.ocr import ocr

pytest.importorskip("rapidocr", reason="the extra ocr is not installed")

SAID = [
    "The quick brown fox jumps over the lazy dog.",
    "Its size: 12.5 mm by 40 mm, in 1871.",
    "A second-order term (see Fig. 3)",
]


def drawn(lines: list[str], font: str = "") -> np.ndarray:
    image = Image.new("RGB", (760, 70 * len(lines) + 40), "white")
    pen = ImageDraw.Draw(image)
    letters = ImageFont.truetype(font, 26) if font else ImageFont.load_default(26)
    for at, line in enumerate(lines):
        pen.text((40, 40 + 70 * at), line, font=letters, fill="black")
    return np.asarray(image)


def test_lines_come_back_from_the_top_with_their_words_in_place() -> None:
    pixels = drawn(SAID)
    (lines,) = ocr().read([pixels])
    assert [line.text for line in lines] == SAID
    for at, line in enumerate(lines):
        left, top, _, bottom = line.box
        assert top - 8 <= 40 + 70 * at <= top + 12
        assert bottom - top < 60
        assert abs(left - 40) < 12
        assert line.score > 0.9
        assert [word for word, _, _ in line.words] == SAID[at].split()
        assert all(a < b for _, a, b in line.words)
        assert all(earlier[1] < later[1] for earlier, later in zip(line.words, line.words[1:], strict=False))
        # Where words are is where there is ink.
        for _, x0, x1 in line.words:
            assert pixels[int(top) : int(bottom), int(x0) : int(x1) + 1].min() < 100


def test_letters_with_accents_are_read() -> None:
    said = ["Größe und Maß, déjà vu,", "el niño, à côté"]
    try:
        pixels = drawn(said, "DejaVuSans.ttf")
    except OSError:
        pytest.skip("the font DejaVu Sans is not installed")
    assert [line.text for line in ocr().read([pixels])[0]] == said


def test_there_is_nothing_to_read_in_an_empty_image_or_one_of_a_few_pixels() -> None:
    blank = np.full((300, 300, 3), 255, np.uint8)
    assert ocr().read([blank, blank[:5, :200], blank[:1, :1]]) == [[], [], []]
    assert ocr().read([]) == []


def test_an_address_that_nobody_serves_is_told_before_anything_is_read() -> None:
    check("ocr", "bundled:rapidocr")
    with pytest.raises(ExpertError, match="write bundled"):
        check("ocr", "hf:some/model")
    with pytest.raises(ExpertError, match="no port 'orc'"):
        check("orc", "bundled:rapidocr")
    with pytest.raises(ExpertError, match="bundled:rapidocr"):
        ocr("bundled:nobody")
