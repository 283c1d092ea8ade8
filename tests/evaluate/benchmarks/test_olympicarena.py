"""OlympicArena by its documented schema: problems with figures in their places, answers judged by the rule of their type, steps by a judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evaluate.benchmarks.saying import Saying
from limner.evaluate.benchmark import BenchmarkError, Item, Output
from limner.evaluate.benchmarks.olympicanswers import boxed, right
from limner.evaluate.benchmarks.olympicarena import OLYMPIC_ARENA, OLYMPIC_ARENA_TEXT, steps
from limner.evaluate.judging import Grade


def problem(**more: Any) -> dict[str, Any]:
    return {
        "id": "Math_1", "problem": "What is 1/2 + 1/4?", "prompt": "Solve this: what is 1/2 + 1/4? End with \\boxed{answer}.", "figure_urls": None,
        "answer": ["0.75"], "answer_type": "NV", "unit": None, "answer_sequence": None, "type_sequence": None, "test_cases": None,
        "subject": "Math", "language": "EN", "modality": "text-only",
    } | more  # fmt: skip


def items(folder: Path, *problems: dict[str, Any], bench: Any = OLYMPIC_ARENA) -> list[Item]:
    for row in problems:
        path = folder / row["subject"] / "val.jsonl"
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as out:
            out.write(json.dumps(row) + "\n")
    return list(bench.items(folder))


def test_figures_stand_in_their_places_and_may_be_left_out(tmp_path: Path):
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (9, 9)).save(tmp_path / "images" / name)
    row = problem(
        prompt="See [figure1] and [figure2]: which?", figure_urls=["https://cdn.example/x/a.png?raw=1", "https://cdn.example/b.png"],
        modality="multi-modal", subject="Physics",
    )  # fmt: skip
    (item,) = items(tmp_path, row)
    assert item.asked == ("See ", tmp_path / "images/a.png", " and ", tmp_path / "images/b.png", ": which?")
    assert item.categories == {"subject": "Physics", "modality": "multi-modal", "language": "EN", "type": "numerical value"}
    (bare,) = OLYMPIC_ARENA_TEXT.items(tmp_path)
    assert "".join(map(str, bare.asked)) == "See [figure1] and [figure2]: which?"


def test_all_subjects_are_read_from_parquet_too(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    for subject in ("Math", "CS"):
        (tmp_path / subject).mkdir()
        rows = [
            problem(
                subject=subject,
                id=f"{subject}_1",
                answer_type="CODE" if subject == "CS" else "NV",
                type_sequence=["NV"],
                figure_urls=["x"],
            )
        ]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / subject / "val-00000-of-00001.parquet")
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / subject / "test-00000-of-00001.parquet")
    assert [item.id for item in OLYMPIC_ARENA.items(tmp_path)] == ["CS_1", "Math_1"]


@pytest.mark.parametrize(
    ("kind", "expected", "given", "good"),
    [
        ("NV", ["0.75"], r"\frac{3}{4}", True), ("NV", ["0.75"], "0.751", False), ("NV", ["2^5"], "32", True), ("NV", ["1"], r"1 \text{ }", True),
        ("NV", [r"2.4 \times 10^{5}"], r"2.45 \times 10^5", True), ("NV", [r"2.4 \times 10^{5}"], r"2.4 \times 10^{6}", False),
        ("NV", ["30"], r"30^\circ", True), ("NV", ["12"], "x = 12", True), ("NV", ["5"], "50\\%", False), ("NV", ["12.0"], "12 m", True),
        ("NV", ["1000000"], "1,000,000", True), ("NV", ["1"], "1,000", False), ("NV", [r"1.0 \times 10^{6}"], "1e6", True),
        ("NV", ["30"], "30°", True), ("NV", ["9.8"], r"9.8\ \text{m}", True), ("NV", ["12"], "1,2", False),
        ("SET", ["1", "2", "3"], r"\{3, 1, 2\}", True), ("SET", ["1", "2"], "1, 1", False), ("SET", ["1", "2"], "1, 2, 3", False),
        ("IN", [r"(-\infty, 1] \cup (2, 3)"], r"(2,3)\cup(-\infty,1]", True), ("IN", ["[0, 1]"], "[0, 1)", False),
        ("IN", ["[0, 0.5]"], r"[0,\frac12]", True),
        ("EX", [r"\frac{a+b}{2}"], "(a + b)/2", True), ("EX", ["2x"], "x^2", False), ("EX", ["v = at"], "at", True),
        ("EQ", ["y = 2x"], "2x - y = 0", True), ("EQ", ["y=x"], "y=-x", False),
        ("TUP", ["(1, 2)"], r"\left(1, \frac{4}{2}\right)", True), ("TUP", ["(1,2)"], "(2,1)", False),
        ("SC", ["B"], "B", True), ("SC", ["B"], "[B]", True), ("SC", ["B"], "B: the second", True),
        ("SC", ["B"], "A", False), ("SC", ["B"], "B, C", False),
        ("MC", ["A", "C"], "[C, A]", True), ("MC", ["A", "C"], "AC", True), ("MC", ["A", "C"], "A", False), ("MC", ["ABD"], "A,B,D", True),
        ("TF", ["True"], "true", True), ("TF", ["True"], "False", False),
        ("NV", ["1"], "", False),
    ],
)  # fmt: skip
def test_each_type_has_its_rule(kind: str, expected: list[str], given: str, good: bool):
    assert right(given, expected, kind, unit="m" if given.endswith((" m", "{m}")) else "") is good


def test_several_quantities_keep_their_order_and_several_answers_do_not():
    assert right(r"3, \frac{x}{2}", ["3", "x/2"], "MPV", ["NV", "EX"])
    assert not right("x/2, 3", ["3", "x/2"], "MPV", ["NV", "EX"])
    assert right("x/2, 3", ["3", "x/2"], "MA", ["NV", "EX"])
    assert not right("3, 3", ["3", "4"], "MA", ["NV", "NV"])
    assert not right("3", ["3", "4"], "MPV", ["NV", "NV"])


def test_the_last_whole_box_is_the_answer():
    assert boxed(r"First \boxed{1}, but \boxed{\frac{1}{2}}.") == r"\frac{1}{2}"
    assert boxed(r"cut \boxed{\frac{1}{") == ""
    assert boxed("no box") == ""


def test_an_answer_without_a_box_is_wrong_and_said_to_be(tmp_path: Path):
    (item,) = items(tmp_path, problem())
    assert OLYMPIC_ARENA.score(item, Output((("It is 0.75.",),)), None).values == {"accuracy": 0, "unboxed": 1}
    assert OLYMPIC_ARENA.score(item, Output((("\\boxed{\\frac34}",),)), None).values == {"accuracy": 1, "unboxed": 0}
    assert OLYMPIC_ARENA.score(item, Output(), None).values == {"accuracy": 0, "unboxed": 1}


def test_programs_are_not_run_and_not_scored(tmp_path: Path):
    (item,) = items(tmp_path, problem(subject="CS", answer_type="CODE", answer=[], test_cases=[{"input": "1", "output": "2"}]))
    scored = OLYMPIC_ARENA.score(item, Output((("```python\nraise SystemExit\n```",),)), None)
    assert "accuracy" not in scored.values
    assert scored.failed == {"accuracy": "unable"}


def test_a_judge_is_asked_of_each_step_after_those_before_it(tmp_path: Path):
    (item,) = items(tmp_path, problem())
    solution = "Step 1: 1/2 = 2/4.\nStep 2: 2/4 + 1/4 = 4/4.\nStep 3: \\boxed{1}"
    judge = Saying(lambda case, _: "wrong" if "4/4" in str(case.answer[-1]) else "right")
    scored = OLYMPIC_ARENA.score(item, Output(((solution,),)), judge)
    assert scored.values["process"] == pytest.approx(2 / 3)
    assert scored.reasons["process"].startswith("step 2")
    failing = Saying(lambda case, _: Grade(None, failed="timeout") if len(case.answer) == 2 else "right")
    scored = OLYMPIC_ARENA.score(item, Output(((solution,),)), failing)
    assert scored.failed == {"process": "timeout"}
    assert "process" not in scored.values
    assert len(failing.asked) == 2


def test_long_solutions_have_twelve_steps_that_are_all_of_them():
    text = "\n\n".join(f"Part {n}." for n in range(100))
    found = steps(text)
    assert len(found) == 12
    assert "\n\n".join(found) == text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"answer_type": "XX"}, "answer_type is 'XX'"),
        ({"answer": []}, "no answer"),
        ({"answer_type": "MPV", "answer": ["1", "2"], "type_sequence": ["NV"]}, "does not say the types"),
        ({"prompt": "See [figure1]"}, "has no figure"),
        ({"prompt": "See [figure1]", "figure_urls": ["https://x/../../etc/passwd"]}, "no file"),
    ],
)
def test_a_bad_record_stops_it_and_is_named(tmp_path: Path, change: dict[str, Any], says: str):
    with pytest.raises(BenchmarkError, match=says) as error:
        items(tmp_path, problem(), problem(id="Math_2") | change)
    assert "val.jsonl" in str(error.value)
