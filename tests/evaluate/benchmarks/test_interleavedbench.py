"""InterleavedBench, on records in the form of the authors' card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evaluate.ruledjudge import RuledJudge, picture
from limner.evaluate.benchmark import BenchmarkError, Item, Output
from limner.evaluate.benchmarks.interleavedbench import INTERLEAVED_BENCH
from limner.evaluate.judging import Aspect, Case, Grade

RED, BLUE = picture("red"), picture("blue")
RECORD: dict[str, Any] = {
    "id": "wikihow_next_step_0_1",
    "image": ["wiki_images_test/1_0.png", "wiki_images_test/1_1.png"],
    "task_name": "wikihow_next_step",
    "conversations": [
        {"from": "human", "value": "<BEGIN> Fold the paper.<image> What comes next?"},
        {"from": "gpt", "value": "Fold it again. <image>"},
    ],
}


def _item(folder: Path, **changes: Any) -> Item:
    images = folder / "zipped_images" / "wiki_images_test"
    images.mkdir(parents=True, exist_ok=True)
    (images / "1_0.png").write_bytes(RED)
    (images / "1_1.png").write_bytes(BLUE)
    (folder / "interleaved_bench.json").write_text(json.dumps([RECORD | changes]))
    return next(INTERLEAVED_BENCH.items(folder))


def test_images_stand_where_their_marks_are(tmp_path: Path) -> None:
    item = _item(tmp_path)
    assert INTERLEAVED_BENCH.messages(item, [])[0].parts == ("Fold the paper.", RED, "What comes next?")
    assert [piece if isinstance(piece, str) else piece.name for piece in item.reference] == ["Fold it again.", "1_1.png"]  # type: ignore[union-attr]
    assert item.categories == {"use case": "wikihow next step", "subset": "context-based"}


def test_five_aspects_and_their_mean(tmp_path: Path) -> None:
    grades = {"text quality": 5, "perceptual quality": 3, "image coherence": 2, "text-image coherence": 1, "helpfulness": 4}
    scored = INTERLEAVED_BENCH.score(
        _item(tmp_path), Output((("Fold.", BLUE),)), RuledJudge(lambda case, aspect: grades[aspect.name])
    )
    assert scored.values == {**grades, "mean": 3.0}


def test_answers_of_images_alone_have_no_text_aspects(tmp_path: Path) -> None:
    said = [{"from": "human", "value": "Make it blue. <image>"}, {"from": "gpt", "value": ""}]
    item = _item(tmp_path, task_name="image_editing", conversations=said)
    assert len(item.reference) == 1
    assert set(INTERLEAVED_BENCH.score(item, Output(((BLUE,),)), RuledJudge()).values) == {
        "perceptual quality", "image coherence", "helpfulness", "mean",
    }  # fmt: skip


def test_no_answer_has_the_lowest_grades_and_nobody_is_asked(tmp_path: Path) -> None:
    def fail(case: Any, aspect: Any) -> float:
        raise AssertionError("asked")

    assert set(INTERLEAVED_BENCH.score(_item(tmp_path), Output(error="no answer"), RuledJudge(fail)).values.values()) == {0.0}


def test_one_aspect_whose_judge_failed_fails_the_mean(tmp_path: Path) -> None:
    judge = RuledJudge(lambda case, aspect: None if aspect.name == "helpfulness" else 3.0)
    scored = INTERLEAVED_BENCH.score(_item(tmp_path), Output((("Fold.", BLUE),)), judge)
    assert scored.failed == {"helpfulness": "timeout", "mean": "timeout"}
    assert "mean" not in scored.values


def test_an_aspect_that_the_judge_cannot_grade_is_left_out_of_the_mean(tmp_path: Path) -> None:
    class Blind(RuledJudge):
        def grade(self, cases: Sequence[Case], aspect: Aspect) -> list[Grade]:
            able = aspect.name != "perceptual quality"
            return super().grade(cases, aspect) if able else [Grade(None, failed="unable") for _ in cases]

    scored = INTERLEAVED_BENCH.score(_item(tmp_path), Output((("Fold.", BLUE),)), Blind(lambda case, aspect: 4.0))
    assert scored.failed == {"perceptual quality": "unable"}
    assert scored.values["mean"] == 4.0


def test_more_marks_than_images_stop_it(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"item 1.*more places"):
        _item(tmp_path, image=[])
