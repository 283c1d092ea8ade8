"""The recipe m-docsum: references are the authors' own points and figures, each score sees its own defect, the smoke run measures them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from limner.document import Document, Image, Text
from limner.experts.onnx import Floats
from limner.recipes.mdocdefects import DEFECTS, Others, planted
from limner.recipes.mdoceval import Asked, Paragraph, faithful, scored, shown
from limner.recipes.mdocreference import composed, paper
from limner.recipes.mdocsum import RECIPE, interleaved
from limner.recipes.run import run
from limner.sources.datasets import dataset
from limner.write.summary import summarize

LENS, MIRROR, PRISM, OVEN = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)
PAPER = Document(
    "p",
    (
        Text(0, "On glass", "heading", 1),
        Text(1, "Abstract"),
        Text(2, "Old lenses lose a third of the light that falls on them. Polished mirrors of silver lose much less of the light than glass."),
        Text(3, "Keywords: glass, silver"),
        Text(4, "1. Introduction", "list"),
        Text(5, "Astronomers have long ground lenses by hand, and much of what they saw was faint."),
        Text(6, "Figure 1 shows how old lenses lose a third of all the light that falls on them."),
        Image(7, ref=LENS),
        Text(8, "Figure 1: The lens.", "caption", of=7),
        Text(9, "Of the two mirrors, the one of polished silver in Figure 2 loses much less light than glass."),
        Image(10, ref=MIRROR),
        Text(11, "Figure 2: A mirror on its stand.", "caption", of=10),
        Image(12, ref=PRISM),
        Text(13, "Figure 3: An unused prism.", "caption", of=12),
        Image(14, ref=OVEN),
        Text(20, "2. Conclusions", "list"),
        Text(21, "Observers should therefore replace their glass wherever they can afford it."),
        Text(22, "References", "heading", 2),
        Text(23, "Herschel wrote of old lenses and of the light that is lost in them."),
        Text(24, "A letter to the Royal Society of London", "heading", 3),
        Text(25, "Old lenses lose a third of the light, he wrote to the Royal Society."),
    ),
    title="On glass",
    language="en",
)  # fmt: skip

REFERENCE = (
    Paragraph("Old lenses lose a third of the light.", (LENS,)),
    Paragraph("Silver mirrors lose much less."),
    Paragraph("Prisms spread colours over a wall.", (PRISM,)),
    Paragraph("Observers should replace their glass."),
)
OTHERS = Others((MIRROR,), ("Cows eat grass on green meadows.",), OVEN)
KNOWN = frozenset({LENS, MIRROR, PRISM})


def test_the_points_are_what_the_abstract_and_the_conclusion_say_and_summarizers_see_neither():
    found = paper(PAPER)
    assert found is not None
    assert [point.split()[0] for point in found.points] == ["Old", "Polished", "Observers"]
    assert "third of the light that falls on them. Polished" not in found.document.text
    assert "afford" not in found.document.text
    assert "Figure 1 shows" in found.document.text


def test_what_has_no_caption_is_no_figure():
    found = paper(PAPER)
    assert found is not None
    assert [figure.ref for figure in found.figures] == [LENS, MIRROR, PRISM]


def test_a_document_without_an_abstract_is_no_paper():
    assert paper(PAPER.without({1, 2})) is None


def test_a_figure_belongs_to_the_point_that_its_citing_paragraph_makes():
    found = paper(PAPER)
    assert found is not None
    reference = composed(found, rule="cited")
    assert [p.figures for p in reference] == [(LENS,), (MIRROR,), ()]
    assert len(shown(composed(found, images=1, rule="cited"))) == 1


def test_a_reference_is_its_own_best_summary():
    found = scored(REFERENCE, REFERENCE, Asked(30, 2, KNOWN))
    assert {name: value for name, value in found.items() if value != 1} == {}


def test_a_summary_without_figures_has_no_place_and_no_order():
    found = scored(tuple(Paragraph(p.text) for p in REFERENCE), REFERENCE, Asked(30, 2, KNOWN))
    assert "place" not in found
    assert "order" not in found
    assert found["jaccard"] == 0
    assert found["match"] == 0.5
    assert found["text"] == 1


def test_an_empty_summary_scores_nothing_but_form():
    found = scored((), REFERENCE, Asked(30, 2, KNOWN))
    assert found["text"] == found["terms"] == found["image"] == 0
    assert 0 < found["form"] < 1


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_a_defect_lowers_its_own_scores_and_no_other(defect: str):
    (seen,) = [s for s in planted(REFERENCE, REFERENCE, OTHERS, KNOWN, random.Random(0)) if s.defect == defect]
    assert not seen.missed
    assert not seen.strayed
    assert any(by > 0 for by in seen.fell.values())


def test_meanings_are_compared_both_ways():
    rows = {"Old lenses lose a third of the light.": (1.0, 0.0), "Silver mirrors lose much less.": (0.0, 1.0)}

    def embed(texts: Sequence[str]) -> Floats:
        return np.array([rows.get(text, (0.0, 1.0)) for text in texts], np.float32)

    found = scored(REFERENCE[:1], REFERENCE[:2], Asked(30, 2, KNOWN), embed=embed)
    assert found["meaning"] == pytest.approx(2 * 0.5 * 1 / 1.5)


def test_what_no_source_says_is_not_faithful():
    assert faithful((Paragraph("Old lenses lose light. Cows eat grass."),), ["All old lenses lose much light."]) == 0.5


def test_a_summary_has_no_sentence_of_the_list_of_references_nor_of_its_parts():
    answer = summarize(PAPER, words=300)
    assert "lenses lose a third" in answer.text
    assert "wrote" not in answer.text
    assert "Keywords" not in answer.text


def test_figures_of_an_answer_stand_with_the_paragraph_before_them():
    found = paper(PAPER)
    assert found is not None
    summary = interleaved(summarize(found.document, words=300))
    of = {figure: p.text for p in summary for figure in p.figures}
    assert "Figure 1" in of[LENS]
    assert "silver" in of[MIRROR]


def test_the_smoke_run_measures_every_claim_that_needs_no_model():
    for name in RECIPE.data("smoke"):
        if not dataset(name).here:
            pytest.skip(f"needs `limner data get {name}`")
    result = run(RECIPE, "smoke")
    verdicts = {claim["key"]: claim["word"] for claim in result["claims"]}
    assert result["figures"]["papers"]["mean"] >= 2
    assert verdicts["seen"] in ("held", "contradicted")
    assert result["figures"]["tuned.papers"]["mean"] >= result["figures"]["papers"]["mean"]
    needs_a_model = ("model-", "meaning-", "encoder", "tuning-meaning")
    assert all(
        word != "not measured"
        for key, word in verdicts.items()
        if not key.startswith(needs_a_model) and not key.endswith("-model")
    )
