"""The recipe sparkles: dialogues whose answers follow from their images, what a conclusion counts, the smoke run."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from limner.evaluate.benchmark import Output
from limner.evaluate.benchmarks.dialoguefacts import Facts, held, pointed, truths
from limner.evaluate.benchmarks.sparkleseval import SPARKLES_EVAL
from limner.packages.cachedir import cache_folder
from limner.recipes.dialogues import Composer, Shown, Things, Turn, written
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.recipes.sparkles import RECIPE, right
from limner.sources.datasets import dataset

NAMES = ("apple", "key", "frog", "sun", "bee", "owl")
THINGS = Things(NAMES, np.zeros((3, 6, 4), np.float32), np.zeros((3, 6, 8, 8, 3), np.uint8))


def composer(seed: int = 0, artists: tuple[int, ...] = (0, 1)) -> Composer:
    return Composer(THINGS, artists, random.Random(seed))


def shown(turns: tuple[Turn, ...]) -> list[str]:
    """The names of all images of a dialogue, in order."""
    return [NAMES[image.thing] for turn in turns for image in turn.images]


@pytest.mark.parametrize("seed", range(40))
def test_answers_say_what_images_show(seed: int):
    turns = composer(seed).dialogue()
    names = shown(turns)
    for turn in turns:
        assert turn.facts.names
        assert all(names[number] == name for number, name in turn.facts.names.items())


@pytest.mark.parametrize("seed", range(40))
def test_the_rule_holds_composed_answers_to_be_right(seed: int):
    for turns in (composer(seed).dialogue(), composer(seed).single(), composer(seed).evaluated()):
        assert [held(turn.answer, turn.facts).share for turn in turns] == [1.0, 1.0]


@pytest.mark.parametrize("seed", range(20))
def test_the_second_turn_brings_new_images_and_speaks_of_an_earlier_one(seed: int):
    first, second = composer(seed).evaluated()
    assert len(first.images) == 2
    assert second.images
    assert min(second.facts.names) < len(first.images) <= max(second.facts.names)


def test_images_stand_between_words():
    asked = composer().told().asked
    assert [isinstance(piece, Shown) for piece in asked] == [False, True, False, True, False]


@pytest.mark.parametrize("seed", range(30))
def test_two_images_of_one_thing_are_by_different_artists(seed: int):
    turn = composer(seed).told()
    one, other = turn.images
    assert turn.facts.agree == (one.thing == other.thing)
    assert one.thing != other.thing or one.artist != other.artist


def test_no_conclusion_comes_more_often_than_the_other():
    make = composer()
    statements, selections = [make.statement() for _ in range(400)], [make.selection() for _ in range(400)]
    assert 150 < sum(turn.facts.agree is True for turn in statements) < 250
    assert 150 < sum(turn.facts.meant == 0 for turn in selections) < 250


@pytest.mark.parametrize("seed", range(30))
def test_a_statement_is_true_of_its_images_or_not(seed: int):
    turn = composer(seed).statement()
    names, said = shown((turn,)), str(turn.asked[-1])
    named = [word for word in said.removesuffix("?").split() if word in NAMES]
    assert turn.facts.agree == (named * 2 == names if said.startswith(" both are") else named == names)


def test_neither_names_nor_whether_images_agree_tells_which_statements_are_true():
    make = composer()
    for both in (True, False):
        turns = [turn for turn in (make.statement() for _ in range(600)) if str(turn.asked[-1]).startswith(" both") == both]
        false = [turn for turn in turns if not turn.facts.agree]
        same = sum(len(set(shown((turn,)))) == 1 for turn in false)
        assert 0.35 < same / len(false) < 0.65


def test_selection_names_one_image_alone():
    turn = composer(3).selection()
    assert shown((turn,))[turn.facts.meant or 0] in str(turn.asked[-1])
    assert len(set(shown((turn,)))) == 2


def test_what_concludes_nothing_is_half_right():
    turn = Turn(("Which?",), "It is the first.", Facts(meant=0))
    assert [right(turn, said) for said in ("It is the first.", "It is the second.", "A key.", "It is the first. It is the second.")] == [
        100.0, 0.0, 50.0, 50.0,
    ]  # fmt: skip
    assert right(Turn(("True?",), "", Facts(agree=False)), "No, it is false.") == 100.0


def test_conclusions_are_read_whatever_stands_before_them():
    assert pointed("The first is a key. It is the second.") == {1}
    assert truths("Yes, no.") == {True, False}


def test_composed_dialogues_are_read_as_the_authors_files_are(tmp_path: Path):
    dialogues = [composer(seed).evaluated() for seed in range(4)]
    written(dialogues, THINGS, tmp_path)
    items = list(SPARKLES_EVAL.items(tmp_path))
    for item, turns in zip(items, dialogues, strict=True):
        kinds = [[isinstance(piece, Path) for piece in asked] for asked in item.turns]
        assert kinds == [[isinstance(piece, Shown) for piece in turn.asked] for turn in turns]
        answers = Output(tuple((turn.answer,) for turn in turns))
        assert SPARKLES_EVAL.score(item, answers, None).values == {
            "ruled turn one": 10, "ruled turn two": 10, "ruled whole": 10
        }  # fmt: skip


def test_the_smoke_run():
    pytest.importorskip("emoji")
    if not (cache_folder("models") / "efficientnet-lite0").is_dir():
        pytest.skip("the weights efficientnet-lite0 are not here: they come with their first use")
    for name in RECIPE.data("smoke"):
        if not dataset(name).here:
            pytest.skip(f"needs `limner data get {name}`")
    result = run(recipe("sparkles"), "smoke")
    figures = {name: found["mean"] for name, found in result["figures"].items()}
    assert figures["things"] == 8
    assert figures["tuned.tokens"] == pytest.approx(figures["single.tokens"], rel=0.2)
    assert all(1 <= figures[f"{way}.whole"] <= 10 for way in ("before", "tuned", "single", "blank"))
    needed = {f"{claim.within}.gain" for claim in RECIPE.claims if claim.within}
    assert needed <= set(figures)
