"""PaperPDF, MMSci and InfiMM-WebMath: what is made of papers and pages, on small ones."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from limner.curate.chunks import chunks
from limner.document import Document, Image, Text
from limner.packages.cachedir import cache_folder
from limner.recipes.formulas import written
from limner.recipes.mmsci import Figure, instruction, leaks
from limner.recipes.paperpdf import Pair, by_rule, verified
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.sources.datasets import dataset

PAPER = Document(
    "p",
    (
        Text(0, "Lenses", "heading", 1),
        Text(1, "The lens was ground by hand in 1874 and bends light by a third. As Figure 1 shows, 42 percent of all light is lost in it."),
        Image(2, ref="a" * 64),
        Text(3, "Figure 1: Light that is lost in a lens of old glass.", "caption", of=2),
        Text(4, "Mirrors", "heading", 1),
        Text(5, "A mirror of polished silver was sent to the Royal Society before the lens was even begun."),
        Text(10, "Prisms", "heading", 1),
        Text(11, "Nothing is known of them."),
        Text(6, "Errors", "heading", 1),
        Text(7, "It took the Royal Society two years to answer that both were of no use at all."),
        Text(8, "References", "heading", 1),
        Text(9, "Herschel wrote of it in 1790 in a letter that was never sent to anyone in London."),
    ),
    title="On lenses",
)  # fmt: skip


def pairs() -> list[Pair]:
    return by_rule(PAPER, chunks(PAPER), 10, random.Random(0))


def test_every_kind_of_pair_is_written_and_its_evidence_has_the_answer():
    cut = chunks(PAPER)
    found = {pair.kind: pair for pair in pairs()}
    assert set(found) == {"text", "figure", "text-figure", "cross-paragraph"}
    assert all(verified(pair, cut) for pair in found.values())
    assert found["text"].answer == "1874"
    assert "____" in found["text"].question
    assert found["figure"].answer == "Light that is lost in a lens of old glass."
    assert found["text-figure"].answer == "42"
    assert [cut[i].kind for i in found["text-figure"].evidence] == ["text", "figure"]
    assert found["cross-paragraph"].answer == "Royal Society"
    assert [cut[i].section for i in found["cross-paragraph"].evidence] == ["Mirrors", "Errors"]


def test_nothing_is_asked_of_lists_of_references():
    assert not any("1790" in pair.answer for pair in pairs())


@pytest.mark.parametrize(
    ("question", "answer", "good"),
    [
        ("When was it ground?", "in 1874", True),
        ("When was it ground?", "in 1990", False),
        ("Was it ground in 1874?", "1874", False),
        ("When?", "", False),
    ],
)
def test_a_pair_stays_only_where_the_evidence_has_the_answer_and_the_question_has_not(question, answer, good):
    assert verified(Pair("p", "text", question, answer, (0,)), chunks(PAPER)) is good


def figure(*cited: str) -> Figure:
    return Figure("p", "Light that is lost in a lens of old glass.", cited, "", np.zeros(3, np.float32))


def test_a_figure_whose_caption_can_be_read_in_it_leaks():
    assert leaks("Light lost in a lens", "LIGHT LOST in lens, 3 mm")
    assert not leaks("Light lost in a lens", "x axis: wavelength")
    assert not leaks("", "anything")


def test_conversations_are_made_where_the_article_says_more_than_the_caption():
    talk = instruction(figure("As Figure 1 shows, nearly half of the rays end in it."))
    assert talk is not None
    assert [turn["role"] for turn in talk["conversation"]] == ["user", "assistant", "user", "assistant"]
    assert instruction(figure()) is None
    assert instruction(figure("Figure 1: light that is lost in a lens of old glass")) is None


def test_formulas_are_read_from_the_source_of_a_page(tmp_path):
    source = tmp_path / "_sources" / "guide" / "lens.rst.txt"
    source.parent.mkdir(parents=True)
    source.write_text("A lens :math:`f = 2r` bends.\n\n.. math::\n   :label: eq\n\n   x^2 = 1\n\n   y^2 = 2\n\nAs above.\n")
    assert [formula.strip() for formula in written(tmp_path, "guide/lens.html")] == ["x^2 = 1", "y^2 = 2", "f = 2r"]
    assert written(tmp_path, "guide/absent.html") == []


@pytest.mark.parametrize("slug", ["paperpdf", "mmsci", "infimm-webmath", "comm", "multimodal-textbook", "howto-interlink"])
def test_recipes_name_their_paper_and_what_waits(slug):
    found = recipe(slug)
    assert "arXiv" in found.reference
    assert slug == "mmsci" or any(claim.waits for claim in found.claims)
    assert found.seeds["laptop"] >= 3


def test_small_models_are_taught_articles_and_asked_for_captions_of_others():
    pytest.importorskip("torch")
    for name in ("sasview", "gimp-help-en"):
        if not dataset(name).here:
            pytest.skip(f"no {name} below LIMNER_DATA (limner data get {name})")
    for name in ("efficientnet-lite0", "all-minilm-l6-v2"):
        if not (cache_folder("models") / name).is_dir():
            pytest.skip(f"the weights {name} are not here: they come with their first use")
    known = recipe("mmsci")
    result = run(replace(known, seeds={**known.seeds, "smoke": 1}), "smoke")
    figures = {name: figure["mean"] for name, figure in result["figures"].items()}
    assert figures["taught.gain"] == pytest.approx(figures["taught.web"] - figures["taught.articles"], abs=1e-3)
    assert figures["figures-taught.seen"] == figures["taught.articles"]
    judged = {claim["key"]: claim["word"] for claim in result["claims"]}
    assert not {judged[key] for key in ("pre-training", "figures")} & {"waits", "not measured"}
