"""IDEA-Bench, on cases in the form of its card and scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluate.ruledjudge import RuledJudge, picture
from limner.evaluate.benchmark import BenchmarkError, Item, Output
from limner.evaluate.benchmarks.ideabench import IDEA_BENCH, overall, tiered

RED, BLUE = picture("red"), picture("blue")
META = {
    "task_name": "special effect adding", "num_of_cases": 3, "image_reference": True, "multi_image_reference": True,
    "multi_image_output": False, "uid": "0085", "output_image_count": 1, "case_id": "0001",
}  # fmt: skip
QUESTIONS = [{"question": f"question {n}?", "input_images": ["0001.png"], "output_images": ["0001.jpg"]} for n in range(6)]


def _item(folder: Path, questions: list[dict[str, Any]] = QUESTIONS, **changes: Any) -> Item:
    case = folder / "dataset" / "special_effect_adding_0001"
    case.mkdir(parents=True, exist_ok=True)
    (case / "instruction.txt").write_text("Put the flame of the second picture on the first.")
    (case / "meta.json").write_text(json.dumps(META | changes))
    (case / "0001.png").write_bytes(RED)
    (case / "0002.png").write_bytes(BLUE)
    (case / "auto_eval.jsonl").write_text("\n".join(map(json.dumps, questions)))
    return next(IDEA_BENCH.items(folder))


def test_a_case_is_its_instruction_with_its_images(tmp_path: Path) -> None:
    item = _item(tmp_path)
    assert IDEA_BENCH.messages(item, [])[0].parts[1:] == (RED, BLUE, "Put the flame of the second picture on the first.")
    assert (item.id, item.family, item.categories["kind"]) == ("0085-0001", "0085", "Is2I")


@pytest.mark.parametrize(
    ("given", "several", "many", "kind"),
    [(False, False, False, "T2I"), (True, False, False, "I2I"), (False, False, True, "T2Is"), (True, True, True, "I(s)2Is")],
)
def test_the_kind_of_a_task(tmp_path: Path, given: bool, several: bool, many: bool, kind: str) -> None:
    item = _item(tmp_path, image_reference=given, multi_image_reference=several, multi_image_output=many)
    assert item.categories["kind"] == kind


def test_a_judge_sees_the_images_that_a_question_is_about(tmp_path: Path) -> None:
    seen: list[Any] = []
    IDEA_BENCH.score(_item(tmp_path), Output(((RED, BLUE),)), RuledJudge(lambda case, aspect: seen.append(case) or 1.0))
    assert seen[0].request[1:] == (RED,)
    assert seen[0].answer == (RED,)


@pytest.mark.parametrize(
    ("answers", "score"),
    [("111111", 1), ("011111", 1 / 6), ("111011", 3 / 6), ("111101", 5 / 6), ("110111", 3 / 6), ("001111", 0)],
)
def test_a_no_in_a_tier_takes_the_later_ones(answers: str, score: float) -> None:
    assert tiered([answer == "1" for answer in answers]) == pytest.approx(score)


def test_the_number_of_images_is_counted(tmp_path: Path) -> None:
    counting = [
        {"question": "Is the number in the image the digit 2?", "input_images": [], "output_images": ["0001.jpg", "0002.jpg"]}
    ]
    item = _item(tmp_path, counting)
    judge = RuledJudge(lambda case, aspect: 0.0)
    assert IDEA_BENCH.score(item, Output(((RED, BLUE),)), judge).values == {"score": 1.0}
    assert IDEA_BENCH.score(item, Output(((RED,),)), judge).values == {"score": 0.0}


def test_nothing_drawn_is_a_no_without_asking(tmp_path: Path) -> None:
    assert IDEA_BENCH.score(_item(tmp_path), Output((("Sorry.",),)), RuledJudge(lambda case, aspect: None)).values == {
        "score": 0.0
    }


def test_all_is_the_mean_of_kinds_of_tasks_of_cases() -> None:
    scores = [
        ({"kind": "T2I", "task": "a"}, 1.0),
        ({"kind": "T2I", "task": "a"}, 0.0),
        ({"kind": "T2I", "task": "b"}, 1.0),
        ({"kind": "I2I", "task": "c"}, 0.0),
    ]
    assert overall(scores) == {"I2I": 0.0, "T2I": 0.75, "overall": 0.375}


def test_a_question_about_an_image_that_is_not_there_stops_it(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"auto_eval.jsonl, line 1.*0009.png"):
        _item(tmp_path, [{"question": "?", "input_images": ["0009.png"], "output_images": []}])
