"""OpenING: items, and what its arena publishes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluate.ruledjudge import RuledJudge, picture
from limner.evaluate.benchmark import BenchmarkError, Output
from limner.evaluate.benchmarks import openingarena as arena
from limner.evaluate.benchmarks.opening import ASPECTS, OPENING

RED, BLUE = picture("red"), picture("blue")
RECORD = {
    "total_uid": "1502046", "meta_task_id": "15", "meta_task_name": "Multimodal Brainstorming", "subtask_id": "2",
    "subtask_name": "Academic Scenarios", "data_id": "46",
    "conversations": [
        {
            "input": [
                {"image": "./images/Academic Scenarios/46-i-1.png", "text": "<BEGIN> How does it work? <image>"},
                {"image": None, "text": "Draw it."},
            ]
        },
        {"output": [{"image": "./images/Academic Scenarios/46-o-1.png", "text": "Like this. <image>"}]},
    ],
}  # fmt: skip


def _data(folder: Path, **changes: Any) -> Path:
    images = folder / "images" / "Academic Scenarios"
    images.mkdir(parents=True, exist_ok=True)
    (images / "46-i-1.png").write_bytes(RED)
    (images / "46-o-1.png").write_bytes(BLUE)
    (folder / "test_data.jsonl").write_text(json.dumps(RECORD | changes) + "\n")
    return folder


def test_steps_become_texts_and_images_without_the_marks(tmp_path: Path) -> None:
    item = next(OPENING.items(_data(tmp_path)))
    assert OPENING.messages(item, [])[0].parts[1:] == ("How does it work?", RED, "Draw it.")
    assert item.reference[0] == "Like this."
    assert item.categories == {"task": "Multimodal Brainstorming", "subtask": "Academic Scenarios"}


def test_the_score_in_all_is_the_mean_of_seven_criteria(tmp_path: Path) -> None:
    names = [aspect.name for aspect in ASPECTS]
    judge = RuledJudge(lambda case, aspect: float(names.index(aspect.name)))
    assert OPENING.score(next(OPENING.items(_data(tmp_path))), Output((("So.", BLUE),)), judge).values["Overall"] == 3.0


def test_a_mark_without_its_image_stops_it(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"line 1.*place for an image"):
        list(OPENING.items(_data(tmp_path, conversations=[{"input": [{"image": None, "text": "<image>"}]}])))


def _meeting(item: str, a: str, b: str, winner: str) -> dict[str, Any]:
    return {"data_id": item, "model_A": {"id": "0", "name": a}, "model_B": {"id": "1", "name": b}, "winner": winner}


def test_verdicts_keep_which_side_a_tie_leans_to(tmp_path: Path) -> None:
    (tmp_path / "judge.json").write_text(json.dumps([_meeting("1", "x", "y", "Tie(B)"), _meeting("1", "y", "z", "A")]))
    assert arena.verdicts(tmp_path / "judge.json") == [arena.Verdict("1", "x", "y", "Tie(B)"), arena.Verdict("1", "y", "z", "A")]


def test_of_a_meeting_that_is_judged_twice_the_last_verdict_counts(tmp_path: Path) -> None:
    (tmp_path / "judge.json").write_text(json.dumps([_meeting("1", "x", "y", "A"), _meeting("1", "x", "y", "B")]))
    assert [one.winner for one in arena.verdicts(tmp_path / "judge.json")] == ["B"]


@pytest.mark.parametrize("rows", [[_meeting("1", "x", "y", "both")], [{"data_id": "1", "winner": "A"}]])
def test_what_is_no_verdict_stops_it(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    (tmp_path / "judge.json").write_text(json.dumps(rows))
    with pytest.raises(BenchmarkError, match=r"judge.json, item"):
        arena.verdicts(tmp_path / "judge.json")


def _graded(item: str, system: str, grades: list[float | None]) -> dict[str, Any]:
    score = {name: {"Score": grade, "Justification": "."} for name, grade in zip(arena.CRITERIA, grades, strict=True)}
    return {"data_id": item, "model": {"id": "0", "name": system}, "score": score}


def test_a_table_is_made_of_the_answers_that_have_all_grades(tmp_path: Path) -> None:
    file = tmp_path / "gpt-score.json"
    file.write_text(
        json.dumps(
            [
                _graded("1", "x", [7] * 7),
                _graded("2", "x", [8] * 6 + [9]),
                _graded("3", "x", [None] + [1] * 6),
                {"data_id": "4", "model": {"name": "x"}, "score": None},
            ]
        )
    )
    found = list(arena.grades(file))
    assert [one.item for one in found] == ["1", "2"]
    assert arena.unjudged(file) == 2
    assert arena.table(found)["x"] == dict.fromkeys(arena.CRITERIA, 7.5) | {"Content Richness": 8.0, "Overall": 7.57}


def test_a_grade_outside_of_its_scale_stops_it(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps([_graded("1", "x", [11] * 7)]))
    with pytest.raises(BenchmarkError, match="Correctness is 11"):
        list(arena.grades(tmp_path / "s.json"))
