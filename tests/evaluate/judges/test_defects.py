"""Planted defects: each does what it says and nothing else, the same again with the same seed; passages keep the order of their documents."""

from __future__ import annotations

import re

import pytest

from limner.document import Document, Image, Text
from limner.evaluate.judges.defects import DEFECTS, planted
from limner.evaluate.judges.passages import Passage, Said, Shown, passage, passages

CROP = Passage(
    "crop",
    "Crop",
    (
        Said("Crop", 1),
        Said("The crop tool removes the outer parts of an image. It has three handles on the left side of the box."),
        Shown(b"tool", "Figure 1. The tool"),
        Said("Draw a box with the mouse over what you want to keep. The box is larger than it looks at first."),
        Said("Everything outside of the box is dark while you draw. Press Enter when you are done with it."),
        Shown(b"box", "Figure 2. A box"),
        Said("The image is smaller now. Its two layers are cut as well, each to the same size."),
        Shown(b"done", "Figure 3. The result"),
        Said("Press Escape to take the box away again without a change."),
    ),
)
COWS = Passage("cows", "Cows", (Said("Cows eat forty kilos of grass on a day."), Shown(b"cow")))
OTHERS = [CROP, COWS]


def test_every_defect_is_planted_and_changes_the_answer():
    for name in DEFECTS:
        worse = planted(CROP, OTHERS, name)
        assert worse is not None, name
        assert worse.answer != CROP.answer, name
        assert planted(CROP, OTHERS, name) == worse, "the same seed plants the same"


@pytest.mark.parametrize("name", [name for name, (kind, _) in DEFECTS.items() if kind == "image"])
def test_defects_of_pictures_leave_the_paragraphs(name: str):
    worse = planted(CROP, OTHERS, name)
    assert worse is not None
    told = [b.text for b in CROP.blocks if isinstance(b, Said)]
    assert [b.text for b in worse.blocks if isinstance(b, Said) and not b.text.startswith("Figure")] == told


@pytest.mark.parametrize("name", [name for name, (kind, _) in DEFECTS.items() if kind == "text"])
def test_defects_of_sentences_change_one_paragraph(name: str):
    worse = planted(CROP, OTHERS, name)
    assert worse is not None
    changed = [(a, b) for a, b in zip(CROP.blocks, worse.blocks, strict=True) if a != b]
    assert len(changed) == 1
    assert all(isinstance(block, Said) for block in changed[0])


def pictures(of: Passage | None) -> list[bytes]:
    assert of is not None
    return [b.image for b in of.blocks if isinstance(b, Shown)]


def captions(of: Passage | None) -> list[str]:
    assert of is not None
    return [b.caption for b in of.blocks if isinstance(b, Shown)]


def test_what_happens_to_pictures():
    own = pictures(CROP)
    swapped = planted(CROP, OTHERS, "image-swapped")
    assert sorted(pictures(swapped)) == sorted(own)
    assert sum(a != b for a, b in zip(pictures(swapped), own, strict=True)) == 2
    assert captions(swapped) == captions(CROP)
    dropped = planted(CROP, OTHERS, "image-dropped")
    assert len(pictures(dropped)) == 2
    assert dropped is not None
    assert sum(isinstance(b, Said) and b.text.startswith("Figure") for b in dropped.blocks) == 1, "its caption stays"
    repeated = pictures(planted(CROP, OTHERS, "image-repeated"))
    assert (len(repeated), len(set(repeated))) == (3, 2)
    foreign = pictures(planted(CROP, OTHERS, "image-foreign"))
    assert set(foreign) - set(own) == {b"cow"}
    moved = planted(CROP, OTHERS, "image-out-of-order")
    assert pictures(moved) != own
    assert sorted(captions(moved)) == sorted(captions(CROP)), "its caption goes along"


def text(of: Passage | None) -> str:
    assert of is not None
    return "\n".join(b.text for b in of.blocks if isinstance(b, Said))


def test_what_happens_to_sentences():
    counted = re.findall(r"\b(?:two|three|four|five|\d)\b", text(planted(CROP, OTHERS, "wrong-count")))
    assert counted != ["three", "two"]
    assert len(counted) == 2
    assert text(planted(CROP, OTHERS, "wrong-place")) in (
        text(CROP).replace("left", "right"),
        text(CROP).replace("outside", "inside"),
    )
    assert "Cows eat forty kilos" in text(planted(CROP, OTHERS, "sentence-off-topic"))
    cut = text(planted(CROP, OTHERS, "sentence-cut"))
    assert any(not line.endswith(".") for line in cut.splitlines()[1:])
    assert all(word in text(CROP) for word in cut.split())
    assert len(text(planted(CROP, OTHERS, "sentence-repeated"))) > len(text(CROP)) + 20
    opposite = text(planted(CROP, OTHERS, "sentence-contradicted"))
    assert abs(len(opposite) - len(text(CROP))) < 12


def test_a_passage_that_cannot_have_a_defect_has_none():
    bare = Passage("x", "X", (Said("One two."),))
    assert [name for name in DEFECTS if planted(bare, [bare], name)] == []
    assert planted(COWS, OTHERS, "image-swapped") is None


def test_a_passage_of_a_document_keeps_its_order_and_leaves_icons_code_and_tables_out():
    prose = "This is a sentence of some words. " * 3
    parts = (
        Text(0, "Crop", "heading", 1),
        Text(1, prose),
        Image(2, ref="a" * 64, width=200, height=100),
        Text(3, "Figure 1. A box", "caption", of=2),
        Text(4, "x = 1", "code"),
        Image(5, ref="b" * 64, width=16, height=16),
        Text(6, prose),
        Text(7, "Figure 2. Done", "caption", of=8),
        Image(8, ref="c" * 64, width=200, height=100),
        Text(9, prose),
    )
    document = Document("d", parts, title="Crop", language="en")
    found = passage(document, lambda ref: ref[:1].encode())
    assert found is not None
    assert found.answer == (
        "# Crop",
        prose.strip(),
        b"a",
        "Figure 1. A box",
        prose.strip(),
        "Figure 2. Done",
        b"c",
        prose.strip(),
    )
    assert passage(document, lambda ref: None) is None, "pictures that are not there are not shown"
    assert len(list(passages([document, document], lambda ref: ref[:1].encode()))) == 1, "what says the same is taken once"
    assert list(passages([document], lambda ref: b"", "de")) == []
