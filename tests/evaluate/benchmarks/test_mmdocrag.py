"""MMDocRAG: items in the form of the authors' dataset card, answers that cite quotes, and published grades."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rouge_score.rouge_scorer import RougeScorer

from evaluate.ruledjudge import RuledJudge, picture
from limner.evaluate.benchmark import BenchmarkError, Item, Output
from limner.evaluate.benchmarks.mmdocrag import MMDOCRAG, MMDOCRAG_TEXT, MMDocRAG, quotes, rouge_l
from limner.evaluate.benchmarks.mmdocragjudged import NAMES, average, judged

RECORD: dict[str, Any] = {
    "q_id": 7, "doc_name": "report", "domain": "Research", "question": "How many agree?", "evidence_modality_type": ["chart", "text"],
    "question_type": "Descriptive",
    "text_quotes": [{"quote_id": "text1", "type": "text", "text": "Half agree."}, {"quote_id": "text2", "type": "text", "text": "None voted."}],
    "img_quotes": [{"quote_id": "image1", "type": "image", "img_path": "images/r_1.jpg", "img_description": "A chart of two bars."}],
    "gold_quotes": ["image1", "text1"],
    "answer_short": "half", "answer_interleaved": "Half of them agree [1].\n![Two equal bars](image1)\nSo it is half.",
}  # fmt: skip


def _item(folder: Path, bench: MMDocRAG = MMDOCRAG, **changes: Any) -> Item:
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images" / "r_1.jpg").write_bytes(picture("red"))
    (folder / "evaluation_20.jsonl").write_text(json.dumps(RECORD | changes) + "\n")
    return next(bench.items(folder))


def test_quotes_are_numbered_and_images_shown_or_described(tmp_path: Path) -> None:
    parts = MMDOCRAG.messages(_item(tmp_path), [])[0].parts
    assert parts[1:] == (
        "Text quotes:",
        "[1] Half agree.",
        "[2] None voted.",
        "Image quotes:",
        "image1:",
        picture("red"),
        "Question: How many agree?",
    )
    assert "image1 shows: A chart of two bars." in MMDOCRAG_TEXT.messages(_item(tmp_path, MMDOCRAG_TEXT), [])[0].parts


def test_quotes_are_scored_in_all_and_by_kind(tmp_path: Path) -> None:
    scored = MMDOCRAG.score(_item(tmp_path), Output((("Half [1], or none [2].",),)), None)
    assert scored.values["quotes"] == pytest.approx(2 * 1 / 4)
    assert scored.values["text quotes"] == pytest.approx(2 * 1 / 3)
    assert scored.values["image quotes"] == 0


def test_a_question_without_image_quotes_has_no_such_score(tmp_path: Path) -> None:
    scored = MMDOCRAG.score(_item(tmp_path, gold_quotes=["text1"]), Output((("Half [1].",),)), None)
    assert scored.values["quotes"] == 1
    assert "image quotes" not in scored.values


def test_the_authors_answer_scores_one_by_rule_and_thoughts_are_cut(tmp_path: Path) -> None:
    item = _item(tmp_path)
    scored = MMDOCRAG.score(item, Output(((f"<think>[2]?</think>\n\n{RECORD['answer_interleaved']}",),)), None)
    assert scored.values == {"quotes": 1, "image quotes": 1, "text quotes": 1, "ROUGE-L": 1}


def test_the_judge_sees_the_question_and_both_answers_of_the_authors(tmp_path: Path) -> None:
    seen: list[Any] = []
    scored = MMDOCRAG.score(_item(tmp_path), Output((("Half [1].",),)), RuledJudge(lambda case, aspect: seen.append(case) or 4.0))
    assert seen[0].request == ("How many agree?",)
    assert seen[0].reference == ("half", RECORD["answer_interleaved"])
    assert scored.values["answer"] == 4


def test_no_answer_scores_nothing(tmp_path: Path) -> None:
    assert set(MMDOCRAG.score(_item(tmp_path), Output(), RuledJudge()).values.values()) == {0.0}


def test_citations_are_found_once_each() -> None:
    assert quotes("[3] and [3], ![b](image2) [b](image2) (image) [x]") == ["text3", "image2"]


@pytest.mark.parametrize("answer", ["Running dogs ran", "the cats were agreeing half", "", "half agree half agree so it is"])
def test_rouge_l_is_that_of_the_package(answer: str) -> None:
    reference = RECORD["answer_interleaved"]
    theirs = RougeScorer(["rougeL"], use_stemmer=True).score(reference, answer)["rougeL"].fmeasure
    assert rouge_l(reference, answer) == pytest.approx(theirs)


def test_grades_under_other_names_count_as_they_are_read(tmp_path: Path) -> None:
    named = dict.fromkeys(NAMES, 4)
    other = {f" '{name}' ": 2 for name in NAMES}
    rows = [named, other, {}, {"Fluency": 5}]
    file = tmp_path / "x_llm-judge.jsonl"
    file.write_text("\n".join(json.dumps({"q_id": n, "model": "m", "response": row}) for n, row in enumerate(rows)))
    found = judged(file)
    assert [one.whole for one in found] == [True, True, False, False]
    assert average(found, as_published=False) == dict.fromkeys((*NAMES, "Avg"), 3.0)
    assert average(found, as_published=True) == dict.fromkeys(NAMES, 1.0) | {
        "Fluency": 9 / 4,
        "Avg": pytest.approx((4 + 9 / 4) / 5),
    }


def test_a_grade_outside_of_its_scale_stops_it(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps({"q_id": 0, "response": {"Fluency": 50}}))
    with pytest.raises(BenchmarkError, match=r"line 1.*Fluency is 50"):
        judged(tmp_path / "x.jsonl")
