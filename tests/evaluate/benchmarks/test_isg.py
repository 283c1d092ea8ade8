"""ISG-Bench, on records in the form of the authors' readme."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluate.ruledjudge import RuledJudge, picture
from limner.evaluate.benchmark import BenchmarkError, Item, Output
from limner.evaluate.benchmarks.isg import ISG

RED, BLUE, GREEN = picture("red"), picture("blue"), picture("green")
RECORD: dict[str, Any] = {
    "id": "0000",
    "Category": "Prediction",
    "Query": [{"type": "text", "content": "What comes next? Describe it, then 2 images."}, {"type": "image", "content": "images/0000_q1.png"}],
    "Golden": [
        {"type": "text", "content": "It turns blue."},
        {"type": "image", "content": "images/0000_g1.png"},
        {"type": "image", "content": "images/0000_g2.png"},
    ],
    "predict": {
        "structure": {"Query": ["<query_text1>", "<query_img1>"], "Answer": ["<gen_text1>", "<gen_img1>", "<gen_img2>"]},
        "block_qa": {
            "questions": [
                {"subject": "<gen_text1>", "object": "<gen_img1>", "relation": "describes", "Question": "Does <gen_text1> describe this image?"},
                {"subject": "<gen_img2>", "object": "<gen_img1>", "relation": "follows", "Question": "Does the first follow the second image?"},
                {"subject": "<gen_text1>", "object": "<all>", "relation": "is of", "Question": "Is <gen_text1> of the whole?"},
            ]
        },
        "image_qa": {
            "questions": [
                {"image": "<gen_img1>", "Question": "Is there a hand?", "id": 0, "Preliminary": []},
                {"image": "<gen_img1>", "Question": "Is the hand wet?", "id": 1, "Preliminary": [0]},
                {"image": "<gen_img2>", "Question": "Is there a towel?", "id": 2, "Preliminary": []},
                {"image": "<gen_img2>", "Question": "Is the towel red?", "id": 3, "Preliminary": [2]},
            ]
        },
    },
}  # fmt: skip
WHOLE = Output((("It turns blue.", BLUE, GREEN),))


def _item(folder: Path, **changes: Any) -> Item:
    (folder / "images").mkdir(exist_ok=True)
    for name, data in (("q1", RED), ("g1", BLUE), ("g2", GREEN)):
        (folder / "images" / f"0000_{name}.png").write_bytes(data)
    (folder / "ISG-Bench.jsonl").write_text(json.dumps(RECORD | changes) + "\n")
    return next(ISG.items(folder))


def test_it_asks_with_images_and_knows_the_authors_answer(tmp_path: Path) -> None:
    item = _item(tmp_path)
    assert ISG.messages(item, [])[0].parts[1:] == ("What comes next? Describe it, then 2 images.", RED)
    assert item.expected["structure"] == ["text", "image", "image"]
    assert item.categories == {"category": "temporal prediction", "task": "Prediction"}


def test_questions_that_depend_on_a_no_are_not_asked_and_count_as_no(tmp_path: Path) -> None:
    asked: list[str] = []

    def says(case: Any, question: str) -> bool:
        asked.append(question)
        return "towel" not in question

    scored = ISG.score(_item(tmp_path), WHOLE, RuledJudge(says=says))
    assert scored.values["image"] == 2 / 4
    assert asked == ["Is there a hand?", "Is the hand wet?", "Is there a towel?"]


def test_relations_are_graded_on_the_two_blocks_that_they_name(tmp_path: Path) -> None:
    seen: list[tuple[object, ...]] = []

    def grades(case: Any, aspect: Any) -> float:
        if aspect.name == "block":
            seen.append(case.answer)
            return 4.0 if isinstance(case.answer[0], str) else 10.0
        return 6.0

    scored = ISG.score(_item(tmp_path), WHOLE, RuledJudge(grades))
    assert seen == [("It turns blue.", BLUE), (GREEN, BLUE)]
    assert scored.values == {"structure": 1.0, "block": 7.0, "image": 1.0, "holistic": 6.0}


@pytest.mark.parametrize("parts", [(BLUE, "It turns blue.", GREEN), ("It turns blue.", BLUE), ()])
def test_another_structure_has_the_lowest_scores_below_the_whole(tmp_path: Path, parts: tuple[str | bytes, ...]) -> None:
    scored = ISG.score(_item(tmp_path), Output((parts,)), RuledJudge())
    assert scored.values["structure"] == 0
    assert scored.values["block"] == 1
    assert scored.values["image"] == 0
    assert scored.values["holistic"] == (10 if parts else 1)


def test_texts_that_follow_each_other_are_one_block(tmp_path: Path) -> None:
    assert ISG.score(_item(tmp_path), Output((("It turns", " ", "blue.", BLUE, GREEN),)), None).values == {"structure": 1.0}


def test_a_judge_that_fails_leaves_no_score(tmp_path: Path) -> None:
    scored = ISG.score(_item(tmp_path), WHOLE, RuledJudge(lambda case, aspect: None, lambda case, question: None))
    assert scored.values == {"structure": 1.0}
    assert scored.failed == {"block": "timeout", "image": "timeout", "holistic": "timeout"}


def test_an_item_without_questions_about_images_has_no_such_score(tmp_path: Path) -> None:
    item = _item(tmp_path, predict={"block_qa": {"relation": RECORD["predict"]["block_qa"]["questions"]}, "image_qa": []})
    assert set(ISG.score(item, WHOLE, RuledJudge()).values) == {"structure", "block", "holistic"}


def test_an_image_outside_of_the_folder_stops_it(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"ISG-Bench.jsonl, line 1.*passwd"):
        _item(tmp_path, Query=[{"type": "image", "content": "../../etc/passwd"}])
