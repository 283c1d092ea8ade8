"""MMIE, on records in the form of the authors' readme."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluate.ruledjudge import RuledJudge, picture
from limner.evaluate.benchmark import BenchmarkError, Item, Output
from limner.evaluate.benchmarks.mmie import MMIE, letter
from limner.evaluate.judges.address import judge

RECORD: dict[str, Any] = {
    "id": "MSR-1",
    "question": [{"text": "Which is larger?\nA. the left\nB. the right", "image": "images/0.png"}],
    "answer": [{"text": "", "image": None}],
    "model": "gt",
    "gt_answer": [{"text": "B", "image": None}],
}


def _item(folder: Path, **changes: Any) -> Item:
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images" / "0.png").write_bytes(picture("red"))
    (folder / "data.json").write_text(json.dumps([RECORD | changes]))
    return next(MMIE.items(folder))


@pytest.mark.parametrize(
    ("answer", "right"),
    [("B", 1), ("(b) no: the answer is B.", 1), ("The answer is A, not (B)", 0), ("I do not know", 0), ("", 0)],
)
def test_given_choices_are_scored_by_the_letter_without_a_judge(tmp_path: Path, answer: str, right: int) -> None:
    assert MMIE.score(_item(tmp_path), Output(((answer,),)), None).values == {"correct": right}


def test_the_judge_of_reasoning_sees_the_right_answer(tmp_path: Path) -> None:
    seen: list[Any] = []
    scored = MMIE.score(
        _item(tmp_path),
        Output((("B",),)),
        RuledJudge(lambda case, aspect: seen.append((case.reference, aspect.reference)) or 6.0),
    )
    assert seen == [(("B",), True)]
    assert scored.values == {"overall score": 6.0, "correct": 1.0}


def test_open_answers_have_a_grade_alone(tmp_path: Path) -> None:
    item = _item(
        tmp_path, id="SA-7", gt_answer=[{"text": None, "image": None}], answer=[{"text": "And then it rained.", "image": None}]
    )
    assert item.reference == ("And then it rained.",)
    assert item.categories == {"category": "situational analysis", "form": "open"}
    assert MMIE.score(item, Output((("It snowed.",),)), RuledJudge(lambda case, aspect: 2.0)).values == {"overall score": 2.0}


def test_an_id_of_no_category_stops_it(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"item 1.*category"):
        _item(tmp_path, id="X-1")


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("**Answer:** C", "C"),
        ("D)", "D"),
        ("A cat sits there.", ""),
        ("Option (E) fits.", "E"),
        ("It is A. or B.", ""),
        ("The correct option is: b", "B"),
    ],
)
def test_the_letter_of_an_answer(answer: str, named: str) -> None:
    assert letter(answer) == named


def test_a_judge_that_measures_knows_what_is_asked_of_it(tmp_path: Path) -> None:
    scored = MMIE.score(
        _item(tmp_path, id="PBL-1"), Output((("Draw a box around it.", picture("red")),)), judge("bundled:structural")
    )
    assert 0 < scored.values["overall score"] <= 6
