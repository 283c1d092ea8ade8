"""The recipe document-ir: what is taken out is gone, and asked; the smoke run goes through."""

from __future__ import annotations

import random

import pytest

from limner.document import Document, Image, Text
from limner.recipes.documentir import _taken
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.sources.datasets import dataset

PARTS = (
    Text(0, "Crop", "heading", 1),
    Text(1, "Draw a box around what you want to keep of the image and press Enter to crop."),
    Image(2, "0" * 64, alt="the crop tool at work"),
    Text(3, "The crop tool at work", "caption", of=2),
    Text(4, "Scale", "heading", 1),
    Text(5, "Give the width and the height that you want, in pixels, in percent, or in another unit."),
)


def test_what_is_asked_is_gone_from_its_document():
    kinds = set()
    for seed in range(20):
        left, question, image = _taken(Document("d", PARTS, language="en"), 7, random.Random(seed))
        assert question is not None
        assert question.document == 7
        kinds.add(question.kind)
        texts = " ".join(text.text for text in left.texts)
        assert question.text not in texts
        if question.kind == "caption":
            assert not left.images
            assert image is not None
            assert image.n == 2
            assert question.section == 0
        else:
            assert image is None
            assert question.section == (0 if question.text.startswith("Draw") else 1)
    assert kinds == {"caption", "paragraph"}


def test_a_document_with_nothing_to_spare_is_left():
    document = Document("d", PARTS[:2], language="en")
    assert _taken(document, 0, random.Random(0)) == (document, None, None)


def test_the_smoke_run():
    pytest.importorskip("torch")
    if not dataset("sasview").here:
        pytest.skip("needs `limner data get sasview`")
    figures = run(recipe("document-ir"), "smoke")["figures"]
    assert figures["sasview.questions"]["mean"] >= 3
    assert 0 <= figures["sasview.merged-first.merged"]["mean"] <= 100
