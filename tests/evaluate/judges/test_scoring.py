"""The scoring model: what it learns from labels, ladders of defects that give them, and the measures of given choices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from evaluate.judges.test_defects import CROP, OTHERS
from limner.evaluate.judges import choosing
from limner.evaluate.judges.ladder import ladder
from limner.evaluate.judges.scoring import Labelled, learnt
from limner.evaluate.judges.training import Measured, chosen, fitted, ranked
from limner.evaluate.judging import Aspect, Case
from limner.evaluate.statistics.agreement import spearman

ASPECT = Aspect("overall score", "", 0, 6, reference=True)
QUESTION = "What is next?\nA. The yellow lemon\nB. The green apple\nC. The brown potato"


def answered(text: str) -> Case:
    return Case((QUESTION,), (text,), ("B",))


def test_rungs_have_one_defect_more_each_and_those_of_the_one_before() -> None:
    rungs = ladder(CROP, OTHERS, seed=3)
    assert [len(rung.defects) for rung in rungs] == list(range(len(rungs)))
    assert len(rungs) > 4
    assert all(b.defects[: len(a.defects)] == a.defects for a, b in itertools.pairwise(rungs))
    assert len({rung.passage.blocks for rung in rungs}) == len(rungs)
    assert ladder(CROP, OTHERS, seed=3) == rungs


def test_an_answer_is_held_against_the_right_choice() -> None:
    right = choosing.measures(answered("A green apple follows. The answer is (B)."))
    wrong = choosing.measures(answered("A brown potato follows. The answer is (C)."))
    assert (right["end_right"], right["right_option"], right["other_options"]) == (1, 1, 0)
    assert (wrong["end_right"], wrong["right_option"], wrong["other_options"]) == (0, 0, 1)
    assert choosing.measures(Case((QUESTION,), ("B",), ("An essay.",))) == {}


def test_pairs_are_of_one_family_and_the_better_first() -> None:
    found = ranked(np.array([[6.0], [3.0], [3.0], [1.0]]), [6, 3, 3, 1], ["a", "a", "a", "b"])
    assert list(zip(found.better[list(found.of), 0], found.worse[:, 0], strict=True)) == [(6, 3), (6, 3)]


def test_settings_are_chosen_on_what_is_left_out() -> None:
    draw = np.random.default_rng(0)
    sets = [
        Measured(rows := draw.normal(0, 1, (30, 26)), rows - [2.0] + draw.normal(0, 1, (30, 26)), tuple(range(30)), ("",) * 30)
        for _ in range(2)
    ]
    seen: list[int] = []
    choice = chosen(sets, lambda scorer, held: seen.append(held) or scorer.bias["whole"] * 0, (1.0, 10.0), (0.0,))
    assert seen == [0, 1, 0, 1]
    assert choice.penalty == 1.0
    assert (
        fitted(sets, 1.0, 1.0).logits(sets[0].better, "whole") > fitted(sets, 1.0, 1.0).logits(sets[0].worse, "whole")
    ).mean() > 0.9
    with pytest.raises(ValueError, match="two"):
        chosen(sets[:1], lambda scorer, held: 0.0)


def test_it_learns_the_rubric_of_given_choices_and_is_unable_for_what_it_has_not_learnt() -> None:
    told = {
        "It is the green apple. The answer is (B).": 5.0,
        "It is the brown potato. The answer is (B).": 3.0,
        "It is the green apple. The answer is (A).": 2.0,
        "It is the brown potato. The answer is (C).": 0.0,
    }
    sets = [[Labelled(answered(text), ASPECT, label, f"{n}") for text, label in told.items()] for n in range(2)]
    model = learnt(sets, spearman)
    grades = [grade.value or 0.0 for grade in model.grade([answered(text) for text in told], ASPECT)]
    assert grades == sorted(grades, reverse=True)
    assert all(0 <= grade <= 6 for grade in grades)
    assert model.grade([Case(("Write.",), ("A story.",))], ASPECT)[0].failed == "unable"
    assert model.grade([answered("")], ASPECT)[0].value == 0
