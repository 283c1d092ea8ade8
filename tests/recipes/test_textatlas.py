"""The recipe textatlas: generators that write, and the smoke run."""

from __future__ import annotations

import pytest
from PIL import Image

pytest.importorskip("torch")

from limner.document import Document
from limner.evaluate.benchmarks.pictured import Pictured
from limner.evaluate.benchmarks.typeset import font_files
from limner.evaluate.metrics.ocr import ALIKE, word_counts
from limner.recipes.lettering import _grid, asked, letters
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.recipes.textatlas import _misspelt
from limner.sources.datasets import dataset

pytestmark = pytest.mark.skipif(not font_files(), reason="no fonts on this machine")

TEXT = "Small words stand on a white page, and each of them is drawn one letter after the other."


def test_a_prompt_says_what_is_to_be_written():
    assert asked("A board. On it stands: “One “two” three”") == "One “two” three"
    assert asked("no marks") == "no marks"


def test_a_page_holds_all_words_in_order():
    rows, columns, found = _grid(TEXT, 400)
    assert " ".join(found) == TEXT
    assert max(map(len, found)) <= columns
    assert len(found) <= rows


def test_training_clears_the_paper_and_the_same_seed_draws_the_same():
    fresh, learnt = letters([TEXT], 1, 0), letters([TEXT], 150, 0)
    page = learnt.draw("page", 200, 1)
    assert page.shape == (200, 200, 3)
    assert (page == learnt.draw("page", 200, 1)).all()
    assert page.min() < 128  # there is ink
    assert page.mean() > fresh.draw("page", 200, 1).mean()  # and less of the noise that drawing begins with
    assert (learnt.draw("", 200, 1) == 255).all()


def test_the_planted_share_of_words_is_lost():
    found = Pictured(Image.new("RGB", (9, 9)), TEXT, TEXT, Document("d", (), title=TEXT))
    wrong = _misspelt(found, 0.5, 0)
    for text in (wrong.prose, wrong.caption, wrong.document.title):
        counted = word_counts(text, TEXT, ALIKE)
        assert counted.true - counted.right == round(0.5 * counted.true)


def test_the_smoke_run():
    pytest.importorskip("rapidocr")
    if not dataset("sasview").here:
        pytest.skip("needs `limner data get sasview`")
    figures = run(recipe("textatlas"), "smoke")["figures"]
    assert figures["rendered.clean.accuracy"]["mean"] > 60
    assert {"typist.page.f1", "letters.3.accuracy", "words.slide.cer", "planted.off"} <= set(figures)
