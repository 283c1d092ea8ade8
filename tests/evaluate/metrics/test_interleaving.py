"""The form of interleaved answers: patterns, order, places."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from scipy.stats import kendalltau

from limner.errors import LimnerError
from limner.evaluate.metrics.interleaving import Structure, form, in_order, kinds, placement

pytest.importorskip("rapidfuzz")

A, B, C = b"image a", b"image b", b"image c"


def test_parts_are_texts_and_images(tmp_path: Path):
    file = tmp_path / "a.png"
    assert kinds(["One.", "Two.", A, "\n ", file, "Three."]) == "TIIT"
    assert kinds([]) == ""


def test_a_pattern_is_met_wholly_or_nearly():
    assert form(["x", A, "y", B], Structure("TITI")).right
    half = form(["x", A, "y"], Structure("TITI"))
    assert not half.right
    assert half.agreement == 0.75
    # Two edits make ITIT of TITI: one taken away in front, one put to the end.
    assert form([A, "x", B, "y"], Structure("TITI")).agreement == 0.5
    assert form([], Structure("TITI")).agreement == 0.0


def test_a_pattern_may_be_repeated():
    rounds = Structure("TI", repeated=True)
    assert form(["x", A], rounds).right
    assert form(["x", A, "y", B, "z", C], rounds).right
    assert not form(["x", A, "y"], rounds).right
    assert not form([], rounds).right


def test_numbers_and_ends_are_demands_of_their_own():
    asked = Structure(images=(2, 3), texts=(1, None), first="I", last="T")
    assert form([A, "x", B, "y"], asked).met == {"images": True, "texts": True, "first": True, "last": True}
    assert form(["x", A], asked).met == {"images": False, "texts": True, "first": False, "last": False}
    assert form(["x"], Structure()).right


def test_a_pattern_has_two_letters():
    with pytest.raises(LimnerError, match="no pattern"):
        Structure("T*I")
    with pytest.raises(LimnerError, match="begins and ends"):
        Structure(first="image")


def test_order_is_kendalls_where_all_are_there():
    wanted = list("abcd")
    for given in itertools.permutations(wanted):
        tau = kendalltau([given.index(thing) for thing in wanted], range(4)).statistic
        assert in_order(given, wanted) == pytest.approx((1 + tau) / 2)


def test_what_is_missing_is_not_in_order():
    assert in_order(["a", "b"], ["a", "b", "c"]) == pytest.approx(1 / 3)
    assert in_order([], ["a", "b"]) == 0.0
    assert in_order(["x", "a"], ["a"]) == 1.0
    assert in_order(["b", "a", "b"], ["a", "b"]) == 0.0  # each counts where it is first
    with pytest.raises(LimnerError, match="differ"):
        in_order(["a"], ["a", "a"])


REFERENCE = ["x" * 50, A, "y" * 50, B]


def test_the_same_places_agree():
    found = placement(["z" * 40, A, "w" * 40, B], REFERENCE)
    assert found.agreement == 1.0
    assert found.displacement == 0.0
    assert (found.found, found.extra) == (1.0, 0)


def test_images_that_moved_are_displaced():
    swapped = placement(["x" * 50, B, "y" * 50, A], REFERENCE)
    assert swapped.agreement == 0.5
    assert swapped.displacement == pytest.approx(0.5)
    first = placement([A, "x" * 50, "y" * 50, B], REFERENCE)
    assert first.displacement == pytest.approx(0.25)


def test_images_that_are_missing_or_strange_are_counted():
    found = placement(["x" * 50, C], REFERENCE)
    assert (found.found, found.extra, found.displacement) == (0.0, 1, None)
    assert found.agreement == pytest.approx(0.25)
    assert placement([], []).agreement == 1.0


def test_files_are_known_by_what_they_hold(tmp_path: Path):
    file = tmp_path / "a.png"
    file.write_bytes(A)
    assert placement(["x" * 50, file, "y" * 50, B], REFERENCE).agreement == 1.0
