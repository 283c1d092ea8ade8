"""The tuned summarizer of m-docsum: its draws keep to what was asked for, references are learnt, what scores better gets likelier."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from limner.document import Document, Image, Text
from limner.recipes.mdocdraws import FIGURE, SENTENCE, Draw, Known, drawn, known
from limner.recipes.mdoceval import Paragraph, Summary, shown
from limner.recipes.mdocreference import Paper
from limner.recipes.mdoctuning import Lesson, Policy, Tuning, best, crossed, dealt, gathered, tuned

LAMP, LENS, PRISM = "a" * 64, "b" * 64, "c" * 64
DOCUMENT = Document(
    "p",
    (
        Text(0, "Light", "heading", 1),
        Text(1, "Lamps were lit in every street of the town. Nobody knows who paid for the oil in them."),
        Image(2, ref=LAMP),
        Text(3, "Figure 1: A lamp in a street.", "caption", of=2),
        Text(4, "Lenses", "heading", 2),
        Text(5, "As Figure 2 shows, old lenses lose a third of the light that falls on them."),
        Image(6, ref=LENS),
        Text(7, "Figure 2: Light lost in old lenses.", "caption", of=6),
        Text(8, "Prisms spread the colours of the sun over a wall. Children like to look at them on holidays."),
        Image(9, ref=PRISM),
        Text(10, "Figure 3: Colours on a wall.", "caption", of=9),
    ),
    title="Light",
    language="en",
)  # fmt: skip
PAPER = Paper(DOCUMENT, DOCUMENT, ("Old lenses lose a third of the light.", "Prisms spread colours."), DOCUMENT.images)
REFERENCE = (Paragraph(PAPER.points[0], (LENS,)), Paragraph(PAPER.points[1]))
KNOWN = known(PAPER)
QUICK = Tuning(folds=2, told=60, preferred=20, batch=2, drawn=6, pairs=2)


def first(*_: object) -> int:
    return 0


def written(of: Known, draws: tuple[Draw, ...]) -> Summary:
    """The summary that draws make, taken again."""
    left = iter(draws)
    return drawn(of, 30, 2, lambda *_: next(left).taken)[0].summary


def test_a_summary_keeps_to_its_words_and_figures_and_shows_none_twice():
    sketch, draws = drawn(KNOWN, 30, 2, first)
    summary = sketch.summary
    assert 0 < sum(len(p.text.split()) for p in summary) <= 30
    assert len(shown(summary)) == len(set(shown(summary))) == 2
    assert {draw.features_CF.shape[1] for draw in draws} == {SENTENCE, FIGURE}


def test_a_figure_may_be_left_out_at_any_draw():
    none = drawn(KNOWN, 30, 2, lambda kind, features_CF, *_: len(features_CF) - 1 if kind == "figure" else 0)[0]
    assert shown(none.summary) == []


def test_the_best_draws_say_what_the_reference_says_and_show_its_figure_with_it():
    summary = written(KNOWN, best(KNOWN, REFERENCE, 30, 2))
    of = {figure: p.text for p in summary for figure in p.figures}
    assert set(of) == {LENS}
    assert "old lenses" in of[LENS]


def test_a_policy_learns_the_draws_that_it_is_shown():
    goal = best(KNOWN, REFERENCE, 30, 2)
    policy, _ = tuned([Lesson(KNOWN, goal, None)] * 2, 30, 2, QUICK, seed=0)
    assert shown(policy.write(KNOWN, 30, 2)[0].summary) == [LENS]


def test_what_is_preferred_gets_likelier():
    lesson = Lesson(KNOWN, drawn(KNOWN, 30, 2, first)[1], lambda summary: float(PRISM in shown(summary)))
    before, after = tuned([lesson] * 2, 30, 2, replace(QUICK, told=1, preferred=40, slow=1e-2, drawn=16, pairs=4), seed=0)
    chance = torch.Generator().manual_seed(5)
    rates = [
        np.mean([PRISM in shown(policy.write(KNOWN, 30, 2, chance)[0].summary) for _ in range(40)]) for policy in (before, after)
    ]
    assert rates[1] > rates[0] + 0.1


def test_the_chances_of_a_draw_are_those_of_its_options():
    policy = Policy(0, QUICK).eval()
    draws = drawn(KNOWN, 30, 2, first)[1]
    batch = gathered([(KNOWN, draws), (KNOWN, draws[:1])])
    with torch.inference_mode():
        wanted = [policy.scores(d.kind, KNOWN, d.features_CF, d.sentence_C).log_softmax(0)[d.taken] for d in draws]
        found = policy.summaries(batch)
    assert found.tolist() == pytest.approx([float(sum(wanted)), float(wanted[0])], abs=1e-5)


def test_papers_of_a_family_are_never_apart():
    folds = dealt(["a", "b", "a", "c", "d"], 3, seed=1)
    assert sorted(i for fold in folds for i in fold) == [0, 1, 2, 3, 4]
    assert any({0, 2} <= fold for fold in folds)


def test_nobody_is_tuned_on_papers_of_one_family_alone():
    with pytest.raises(ValueError, match="less than two"):
        crossed([Lesson(KNOWN, (), None)], ["a"], 30, 2, QUICK, 0)
