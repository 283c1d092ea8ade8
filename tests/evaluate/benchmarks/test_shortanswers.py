"""Short answers by MMLongBench-Doc's rules. What is expected here was worked out from the rules by hand; `bench/evaluate/published.py` compares
with the authors' script."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.evaluate.benchmarks.shortanswers import FORMATS, NOT_ANSWERABLE, accuracy_and_f1, score


@pytest.mark.parametrize(
    ("expected", "answer", "form", "right"),
    [
        ("8", "8", "Int", 1),
        ("8", "8.0", "Int", 1),
        ("8", "8.9", "Int", 1),  # cut, as the authors' script does
        ("8", "eight", "Int", 0),
        ("18.29%", "18.29", "Float", 1),
        ("18.29%", "0.1829", "Float", 1),
        ("18.29%", "18.4", "Float", 1),  # within 1 %
        ("18.29%", "18.6", "Float", 0),
        ("0.1", "$0.10", "Float", 1),
        ("0.1", "", "Float", 0),
        ("https://a.org/b", "https://a.org/c", "Str", 0),  # addresses to the letter
        ("page 3", "page 4", "Str", 0),
        ("2016-07", "2016-08", "Str", 0),
        ("Less well-off (see page)", "'less well-off'", "Str", 1),
        ("abcd", "abxy", "Str", 0),  # a half is not enough
        ("abcd", "abcx", "Str", 0.75),
        ("Not answerable", "Not answerable", "None", 1),
        ("Not answerable", "Fail to answer", "None", 0),
        ("['White', '10%']", "['10%', 'white']", "List", 1),
        ("['White', '10%']", "['white']", "List", 0),
        ("['Circle', 'Rectangle']", "['circle', 'rectangles']", "List", 0.9),  # the worst entry
        ("['Circle']", "Circle", "List", 1),
        ("['1', '2']", "['1', '3']", "List", 0),
        ("['Circle']", "[Circle", "List", 1 - 1 / 7),  # no list: one answer
    ],
)
def test_each_form_has_its_rule(expected: str, answer: str, form: str, right: float) -> None:
    assert score(expected, answer, form) == pytest.approx(right)


@given(st.sampled_from(FORMATS), st.text(max_size=200), st.text(max_size=200))
def test_whatever_is_answered_scores_between_nothing_and_one(form: str, expected: str, answer: str) -> None:
    assert 0 <= score(expected, answer, form) <= 1


@given(st.text(max_size=50))
def test_words_are_as_right_as_can_be_by_themselves(text: str) -> None:
    assert score(text, text, "Str") == 1


def test_a_hostile_answer_takes_no_time() -> None:
    began = time.monotonic()
    for answer in ("(" * 500_000, "[" * 500_000, " " * 500_000, "9" * 500_000, "1e999"):
        for form in FORMATS:
            score("['1', '2']", answer, form)
    assert time.monotonic() - began < 5


def test_f1_weighs_questions_without_an_answer() -> None:
    rows = [("4", "4", 1.0), ("5", "6", 0.0), (NOT_ANSWERABLE, NOT_ANSWERABLE, 1.0), (NOT_ANSWERABLE, "7", 0.0)]
    accuracy, f1 = accuracy_and_f1(rows)
    assert accuracy == 0.5
    recall, precision = 1 / 2, 1 / 3
    assert f1 == pytest.approx(2 * recall * precision / (recall + precision))
