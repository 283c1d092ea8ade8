"""SparklesEval: the authors' schema, images in the middle of sentences, a judge's grades of each turn, the rule where there are facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluate.ruledjudge import RuledJudge, picture
from limner.evaluate.benchmark import BenchmarkError, Output
from limner.evaluate.benchmarks.dialoguefacts import Facts, Held, held
from limner.evaluate.benchmarks.sparkleseval import IMAGE, IMAGES, RECORDS, SPARKLES_EVAL
from limner.evaluate.judging import Aspect, Case


def record() -> dict[str, Any]:
    return {
        "evaluation_id": 7,
        "dialogue": [
            {
                "content": f"How are IMAGE#1{IMAGE} and IMAGE#2{IMAGE} alike?",
                "images": [{"image_id": 1, "caption": "a red key"}, {"image_id": 2, "caption": "a red car"}],
            },
            {"content": "Both are red."},
            {"content": f"And IMAGE#3{IMAGE}?", "images": [{"image_id": 3, "caption": "a blue car"}]},
            {"content": "It is a car, as the second is."},
        ],
    }


def folder(place: Path, *records: dict[str, Any]) -> Path:
    (place / IMAGES).mkdir()
    (place / RECORDS).parent.mkdir()
    for number in (1, 2, 3):
        (place / IMAGES / f"{number}.jpg").write_bytes(picture("red"))
    (place / RECORDS).write_text(json.dumps(records), "utf-8")
    return place


def test_images_stand_where_the_authors_have_them(tmp_path: Path):
    (item,) = SPARKLES_EVAL.items(folder(tmp_path, record()))
    assert [piece if isinstance(piece, str) else piece.name for piece in item.turns[0] if not isinstance(piece, bytes)] == [
        "How are IMAGE#1", "1.jpg", " and IMAGE#2", "2.jpg", " alike?",
    ]  # fmt: skip
    assert len(item.turns) == 2


def test_the_second_turn_follows_the_models_own_answer(tmp_path: Path):
    (item,) = SPARKLES_EVAL.items(folder(tmp_path, record()))
    messages = SPARKLES_EVAL.messages(item, [("They are red.",)])
    assert [message.role for message in messages] == ["user", "assistant", "user"]
    assert messages[1].parts == ("They are red.",)


def test_a_judge_grades_each_turn_after_what_was_said_before(tmp_path: Path):
    (item,) = SPARKLES_EVAL.items(folder(tmp_path, record()))
    cases: list[Case] = []

    def grade(case: Case, aspect: Aspect) -> float:
        cases.append(case)
        return 8.0 if case.answer == ("one",) else 4.0

    scored = SPARKLES_EVAL.score(item, Output((("one",), ("two",))), RuledJudge(grade))
    assert (scored.values["turn one"], scored.values["turn two"], scored.values["whole"]) == (8, 4, 6)
    assert "ruled whole" not in scored.values
    assert "one" in cases[-1].request
    assert cases[-1].reference == ("It is a car, as the second is.",)
    assert cases[-1].sources == ("Image 1: a red key", "Image 2: a red car", "Image 3: a blue car")


def test_a_turn_without_an_answer_has_the_lowest_grade(tmp_path: Path):
    (item,) = SPARKLES_EVAL.items(folder(tmp_path, record()))
    scored = SPARKLES_EVAL.score(item, Output((("one",),)), RuledJudge())
    assert (scored.values["turn one"], scored.values["turn two"]) == (10, 1)


def test_a_judge_that_fails_leaves_no_score(tmp_path: Path):
    (item,) = SPARKLES_EVAL.items(folder(tmp_path, record()))
    scored = SPARKLES_EVAL.score(item, Output((("one",), ("two",))), RuledJudge(lambda case, aspect: None))
    assert scored.values == {}
    assert scored.failed["whole"] == "timeout"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r["dialogue"].pop(), "3 messages"),
        (lambda r: r["dialogue"][0].update(content=f"Only {IMAGE}"), "places for 1 images, and 2"),
        (lambda r: r["dialogue"][0]["images"][0].update(image_id="../../secret"), "no file"),
        (lambda r: r["dialogue"][1].update(facts={"names": {"0": "key"}}), "the other has none"),
        (lambda r: r["dialogue"][1].update(facts={"names": {"99": "key"}}), "numbers below"),
        (lambda r: r["dialogue"][1].update(facts={"names": {"0": "key"}, "meant": -1}), "meant"),
        (lambda r: r["dialogue"][1].update(facts={"names": {"0": "key"}, "agree": "yes"}), "agree"),
    ],
)
def test_a_record_that_is_not_as_the_schema_says_stops_the_benchmark(tmp_path: Path, change: Any, said: str):
    wrong = record()
    change(wrong)
    with pytest.raises(BenchmarkError, match=said):
        list(SPARKLES_EVAL.items(folder(tmp_path, wrong)))


FACTS = Facts({0: "key", 2: "red car"}, agree=False)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The first is a key and the third is a red car. They differ.", Held(1, 1, 1)),
        ("the third image shows the red car, the first shows a key; they do not agree", Held(1, 0, 1)),
        ("The first is a key and the third is a car. They agree.", Held(0.5, 0, 1)),
        ("The first is a key. The first is a car. They differ.", Held(0, 1, 2 / 3)),
        ("They differ.", Held(0, 1, 1 / 3)),
        ("", Held(0, 0, 0)),
    ],
)
def test_the_rule_reads_names_and_relations(answer: str, expected: Held):
    found = held(answer, FACTS)
    assert (found.understood, found.coherent) == (expected.understood, expected.coherent)
    assert found.complete == pytest.approx(expected.complete)


def test_facts_are_the_same_after_a_file():
    from limner.evaluate.benchmarks.files import Row

    assert Facts.read(Row("here", json.loads(json.dumps(FACTS.row())))) == FACTS
