"""Tesseract behind the port `ocr`."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from limner.errors import ExpertError
from limner.evaluate.benchmarks.typeset import font, fonts_for
from limner.experts import tesseract
from limner.experts.ocr import ocr

needed = pytest.mark.skipif(not tesseract.here(), reason="the program tesseract is not here: apt-get install tesseract-ocr")


def page(*lines: str) -> np.ndarray:
    faces = fonts_for("".join(lines), "LiberationSans-Regular", "DejaVuSans.ttf")
    if not faces:
        pytest.skip("no font here sets the text")
    sheet = Image.new("RGB", (500, 40 + 60 * len(lines)), "white")
    for number, line in enumerate(lines):
        ImageDraw.Draw(sheet).text((20, 20 + 60 * number), line, "black", font(faces[0], 28))
    return np.asarray(sheet)


@needed
def test_lines_are_read_with_their_places():
    ((one, two),) = ocr("tesseract:eng").read([page("Plain words on white", "and another line")])
    assert (one.text, two.text) == ("Plain words on white", "and another line")
    assert one.box[3] < two.box[1]
    assert [word for word, _, _ in one.words] == ["Plain", "words", "on", "white"]
    assert 15 <= one.box[0] <= 30
    assert 0.5 < one.score <= 1


@needed
def test_nothing_is_read_where_nothing_stands():
    assert ocr("tesseract:eng@11").read([np.full((100, 100, 3), 255, np.uint8), np.zeros((4, 90, 3), np.uint8)]) == [[], []]


@needed
def test_a_language_that_is_not_here_is_said():
    with pytest.raises(ExpertError, match="tesseract-ocr-xyz"):
        ocr("tesseract:xyz")


@pytest.mark.parametrize("rest", ["eng@2", "eng@99", "../eng", "-l", "eng deu"])
def test_what_is_no_language_or_mode_is_refused(rest: str):
    with pytest.raises(ExpertError, match="tesseract:LANG"):
        tesseract.tesseract(rest)


def test_a_machine_without_the_program_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ExpertError, match="apt-get install tesseract-ocr"):
        tesseract.tesseract("eng")
