"""Reading what a judge wrote: strictly, by rule where one meaning is possible, never by guess."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.evaluate.judges.reading import grade, option, refused


def test_the_form_asked_for_is_not_repaired():
    found = grade('{"reason": "Each step has its picture.", "grade": 4}', 0, 5)
    assert found is not None
    assert (found.value, found.reason, found.repaired) == (4, "Each step has its picture.", False)


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"reason": "ok", "grade": 4}\n```',
        '{"reason": "ok", "grade": 4,}',
        "{'reason': 'ok', 'grade': 4}",
        '{"reason": "ok", "grade": "4"}',
        '{"reason": "ok", "grade": "4/5"}',
        '{"reason": "ok", "grade": 4.0}',
        '{"Reason": "ok", "Grade": 4}',
        '{"reason": "ok", "score": 4}',
        '{"reason": "ok", "grade": 4',
        'Sure! {"reason": "ok", "grade": 4} I hope this helps.',
        '<think>Perhaps "grade": 2? No.</think>{"reason": "ok", "grade": 4}',
        "Grade: 4",
        "Grade (0-5): 4",
        "**Grade:** 4/5",
        "Score: 4 out of 5.",
        "The grade is 4 because each step has its picture.",
        "Grade: four",
        "4",
        "4/5",
        "4.0",
        "The pictures fit.\n\n4/5",
        "“grade”: “4”",
    ],
)
def test_what_has_one_meaning_is_repaired(text: str):
    found = grade(text, 0, 5)
    assert found is not None
    assert (found.value, found.repaired) == (4, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Very good!",
        '{"reason": "ok", "grade": 7}',
        '{"reason": "ok", "grade": -1}',
        '{"reason": "ok", "grade": 3.5}',
        '{"reason": "ok", "grade": true}',
        '{"reason": "ok", "grade": null}',
        '{"reason": "ok", "grade": [4]}',
        '{"reason": "ok", "grade": NaN}',
        '{"reason": "ok", "grade": "4/10"}',
        '{"grade": 3, "grade": 4}',
        '{"grade": 4, "score": 3}',
        '{"grade": 9} Sorry: {"grade": 4}',
        '{"reason": "ok", "grade": 4}\nGrade: 3',
        "Grade: 3-4",
        "Grade: 3 to 4",
        "Grade: 3 or 4",
        "Grade: 3, maybe 4",
        "Grade: 3.5",
        "Grade: -4",
        "Grade: 4/10",
        "Text grade: 3\nImage grade: 4",
        "A score of 3 would be too low.",
        "2/5 of the pictures are wrong.",
        "3 of the pictures fit.",
        "2\n4",
        "1. The pictures fit.\n2. The text is whole.",
        "I would give it a high grade.",
        '<think>{"reason": "ok", "grade": 4}',
        "{" * 10_000,
        "[" * 100_000,
        "4" * 30_000,
    ],
)
def test_what_has_none_or_two_is_no_grade(text: str):
    assert grade(text, 0, 5) is None


def test_a_number_at_the_end_of_a_text_that_was_cut_may_go_on():
    assert grade('{"reason": "ok", "grade": 1', 0, 10, whole=False) is None
    assert grade("Grade: 1", 0, 10, whole=False) is None
    assert grade('{"reason": "ok", "grade": 1, "more": "and', 0, 10, whole=False) is not None


def test_an_option_is_one_of_those_given():
    assert option('{"reason": "It is a box.", "option": 3}', 3).value == 3  # type: ignore[union-attr]
    assert option("Option: 2", 3).value == 2  # type: ignore[union-attr]
    assert option('{"option": 0}', 3) is None
    assert option('{"option": 4}', 3) is None
    assert option("Option: 1 or 2", 3) is None


@given(st.integers(-20, 20), st.text(max_size=60))
def test_json_of_the_form_is_read_as_it_says(value: int, reason: str):
    found = grade(json.dumps({"reason": reason, "grade": value}), 0, 10)
    if 0 <= value <= 10:
        assert found is not None
        assert (found.value, found.repaired) == (value, False)
    else:
        assert found is None


@given(st.text(max_size=200), st.integers(0, 5), st.integers(0, 5))
def test_two_grades_are_never_one(between: str, one: int, two: int):
    found = grade(f'{{"grade": {one}}} {between} {{"grade": {two}}}', 0, 5)
    if one != two and "<think" not in between.lower():
        assert found is None


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot judge pictures of people.",
        "As an AI language model, I do not see pictures.",
        "I must decline to grade this.",
        "That would be against my content policy.",
    ],
)
def test_a_refusal_is_known(text: str):
    assert grade(text, 0, 5) is None
    assert refused(text)


def test_a_bad_judgement_is_no_refusal():
    assert not refused("The picture cannot be a crop: the answer is wrong.")
