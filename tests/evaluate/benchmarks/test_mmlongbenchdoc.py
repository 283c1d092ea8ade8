"""MMLongBench-Doc, on a record in the authors' form and a PDF of two pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from limner.corpus.pixels import decode
from limner.evaluate.benchmark import BenchmarkError, Item, Output
from limner.evaluate.benchmarks.mmlongbenchdoc import MMLONGBENCH_DOC, MMLONGBENCH_DOC_TEXT, MMLongBenchDoc, short
from limner.evaluate.benchmarks.shortanswers import accuracy_and_f1
from sources.pdf.write import Sheet, pdf

RECORD: dict[str, Any] = {
    "doc_id": "report.pdf", "doc_type": "Research report / Introduction", "question": "How many agree?", "answer": "18.29%",
    "evidence_pages": "[1, 2]", "evidence_sources": "['Chart', 'Table']", "answer_format": "Float",
}  # fmt: skip
NONE = {"answer": "Not answerable", "answer_format": "None", "evidence_pages": "[]", "evidence_sources": "[]"}


def _items(folder: Path, *records: dict[str, Any], bench: MMLongBenchDoc = MMLONGBENCH_DOC) -> list[Item]:
    sheets = [Sheet(), Sheet()]
    for number, sheet in enumerate(sheets, 1):
        sheet.text(72, 72, f"Page {number} says: 18.29 % agree.")
    (folder / "documents").mkdir(exist_ok=True)
    (folder / "documents" / "report.pdf").write_bytes(pdf(sheets))
    (folder / "samples.json").write_text(json.dumps([RECORD | record for record in records]))
    return list(bench.items(folder))


def test_pages_are_shown_as_pictures_in_their_order(tmp_path: Path) -> None:
    [item] = _items(tmp_path, {})
    parts = MMLONGBENCH_DOC.messages(item, [])[0].parts
    assert parts[-1] == "How many agree?"
    pages = [part for part in parts if isinstance(part, bytes)]
    assert [decode(page).shape for page in pages] == [(1584, 1224, 3)] * 2  # 11 x 8.5 inches at 144 dots
    assert pages[0] != pages[1]


def test_or_their_text_is_given(tmp_path: Path) -> None:
    [item] = _items(tmp_path, {}, bench=MMLONGBENCH_DOC_TEXT)
    text = MMLONGBENCH_DOC_TEXT.messages(item, [])[0].text
    assert "[page 2]\nPage 2 says: 18.29 % agree." in text


def test_items_say_where_the_evidence_is(tmp_path: Path) -> None:
    cross, none = _items(tmp_path, {}, NONE)
    assert cross.categories["evidence"] == "cross-page"
    assert cross.categories["source"] == "Chart+Table"
    assert none.categories["evidence"] == "unanswerable"
    assert cross.family == "report.pdf"


def test_means_of_the_measures_make_the_authors_accuracy_and_f1(tmp_path: Path) -> None:
    items = _items(tmp_path, {}, {"answer": "7", "answer_format": "Int"}, NONE, NONE)
    answers = ["Answer: 0.1829", "Answer: Not answerable", "Answer: Not answerable", "So it is 3.\nAnswer: 3"]
    scored = [MMLONGBENCH_DOC.score(item, Output(((answer,),)), None).values for item, answer in zip(items, answers, strict=True)]
    accuracy, f1 = accuracy_and_f1(
        [(i.expected["answer"], short(a), s["accuracy"]) for i, a, s in zip(items, answers, scored, strict=True)]
    )
    means = {
        name: sum(s[name] for s in scored if name in s) / sum(name in s for s in scored)
        for name in ("accuracy", "recall", "precision")
    }
    assert means["accuracy"] == accuracy == 0.5
    assert 2 * means["recall"] * means["precision"] / (means["recall"] + means["precision"]) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("Step 1: look.\nAnswer: 4\nAnswer: 5", "5"),
        ("> **Final answer:** ['a', 'b']", "['a', 'b']"),
        ("Not answerable", "Not answerable"),
        ("It may be 4.\nOr it may be 5.", ""),
        ("", ""),
    ],
)
def test_the_short_answer_is_what_the_last_such_line_says(answer: str, said: str) -> None:
    assert short(answer) == said


def test_no_answer_at_all_is_wrong(tmp_path: Path) -> None:
    item, none = _items(tmp_path, {}, NONE)
    assert MMLONGBENCH_DOC.score(item, Output(error="down"), None).values == {"accuracy": 0, "recall": 0, "precision": 0}
    assert MMLONGBENCH_DOC.score(none, Output(error="down"), None).values["accuracy"] == 0


@pytest.mark.parametrize(
    "change", [{"answer_format": "Date"}, {"evidence_pages": "__import__('os')"}, {"doc_id": "../../outside.pdf"}]
)
def test_a_record_of_another_form_stops_it(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(BenchmarkError, match=r"samples.json, item 1"):
        _items(tmp_path, change)


def test_a_document_that_is_no_pdf_costs_its_question_only(tmp_path: Path) -> None:
    [item] = _items(tmp_path, {})
    (tmp_path / "documents" / "report.pdf").write_bytes(b"%PDF-1.7 nonsense")
    with pytest.raises(BenchmarkError, match=r"report.pdf cannot be drawn"):
        MMLONGBENCH_DOC.messages(item, [])
