"""SEED-Bench-2 by its documented schema: what each dimension asks, choices by likelihood or by letter, nothing to see in the control."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from limner.evaluate.benchmark import BenchmarkError, Item, Output, contents
from limner.evaluate.benchmarks.choices import chosen, letter
from limner.evaluate.benchmarks.seedbench2 import SEED_BENCH_2, SEED_BENCH_2_BLANK


def question(number: int, names: Any, text: str = "What is it?", **more: Any) -> dict[str, Any]:
    return {
        "answer": "B", "choice_a": "One", "choice_b": "Two", "choice_c": "Three", "choice_d": "Four", "data_id": names,
        "data_source": "SEED-Bench v2", "data_type": "Single Image", "level": "L1", "question": text, "question_id": f"{number}_0",
        "question_type_id": number, "subpart": "Single-Image & Text Comprehension", "version": "v1",
    } | more  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for folder, names in (("cc3m-image", ["1454426_2591111986"]), ("SEED-Bench-2-image", [f"task/{n}.png" for n in range(8)])):
        for n, name in enumerate(names):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (20 + n, 10), (n * 30, 40, 50)).save(path, "PNG")
    return tmp_path


def items(data: Path, *questions: dict[str, Any], bench: Any = SEED_BENCH_2) -> list[Item]:
    (data / "SEED-Bench_v2_level1_2_3.json").write_text(json.dumps({"questions": questions, "question_type": {}}))
    return list(bench.items(data))


def frames(n: int) -> list[str]:
    return [f"task/{i}.png" for i in range(n)]


def test_each_kind_of_question_is_asked_as_the_authors_ask_it(data: Path):
    single, interleaved, shown, following, both = items(
        data,
        question(5, "1454426_2591111986", data_source="cc3m"),
        question(23, frames(3), "<img>: blue. <img>: orange. <img>:", level="L2"),
        question(25, frames(4), "Which fits: a purse?", level="L3"),
        question(26, frames(7), "What will happen next?", level="L3"),
        question(27, frames(4), "What does it look like?", level="L3"),
    )
    image = data / "SEED-Bench-2-image" / "task"
    assert single.asked == (data / "cc3m-image" / "1454426_2591111986", "What is it?")
    assert single.choices[1] == ("Two",)
    assert single.categories == {
        "level": "L1", "dimension": "5 Instances Counting", "part": "Single-Image & Text Comprehension", "version": "v1",
    }  # fmt: skip
    assert interleaved.asked == (image / "0.png", ": blue. ", image / "1.png", ": orange. ", image / "2.png", ":")
    assert shown.asked == ("Which fits: a purse?",)
    assert shown.choices == tuple((image / f"{n}.png",) for n in range(4))
    assert following.asked == (image / "0.png", image / "1.png", image / "2.png", "What will happen next?")
    assert following.choices[0] == (image / "3.png",)
    assert both.choices[2] == ("Three", image / "2.png")


def test_likelihoods_choose_without_the_choices_in_the_prompt_and_letters_with_them(data: Path):
    (item,) = items(data, question(5, frames(1)))
    (before,) = SEED_BENCH_2.before(item)
    assert before.text == "What is it?"
    (asked,) = SEED_BENCH_2.messages(item, [])
    assert all(f"{letter}." in asked.text for letter in "ABCD")
    assert "Two" in asked.text


@pytest.mark.parametrize(
    ("told", "accuracy"),
    [((-3.0, -0.5, -2, -4), 1.0), ((-0.1, -0.5, -2, -4), 0.0), ((-1.0, -1.0, -2, -4), 0.5), ((-1.0,) * 4, 0.25)],
)
def test_the_likeliest_choice_counts_and_ties_share(data: Path, told: tuple[float, ...], accuracy: float):
    (item,) = items(data, question(5, frames(1)))
    scored = SEED_BENCH_2.score(item, Output(likelihoods=told), None)
    assert scored.values == {"accuracy": accuracy, "by_likelihood": 1.0}


def test_a_letter_is_read_where_there_are_no_likelihoods_and_the_result_says_so(data: Path):
    (item,) = items(data, question(5, frames(1)))
    for text, accuracy, unread in (("B", 1, 0), ("The answer is (C).", 0, 0), ("two", 1, 0), ("B or C", 0, 1), ("", 0, 1)):
        scored = SEED_BENCH_2.score(item, Output(((text,),)), None)
        assert scored.values == {"accuracy": accuracy, "by_likelihood": 0, "unread": unread}, text


def test_the_control_shows_nothing_of_any_image(data: Path):
    questions = [question(23, frames(3), "<img>: blue. <img>: orange. <img>:"), question(25, frames(4), "Which?")]
    seen, blank = items(data, *questions), items(data, *questions, bench=SEED_BENCH_2_BLANK)
    assert SEED_BENCH_2_BLANK.name != SEED_BENCH_2.name
    for whole, empty in zip(seen, blank, strict=True):
        for a, b in zip(
            (*whole.asked, *(c[0] for c in whole.choices)), (*empty.asked, *(c[0] for c in empty.choices)), strict=True
        ):
            if isinstance(a, str):
                assert a == b
                continue
            (gray,) = contents([b])
            assert isinstance(gray, bytes)
            with Image.open(io.BytesIO(gray)) as picture, Image.open(a) as before:
                assert picture.size == before.size
                assert len(picture.getcolors() or ()) == 1


def test_questions_about_one_image_are_a_family(data: Path):
    a, b, c = items(data, question(5, frames(1)), question(5, frames(1)), question(25, frames(4)))
    assert a.cluster == b.cluster
    assert c.cluster == "25_0"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"answer": "E"}, "not A, B, C or D"),
        ({"question_type_id": 28}, "question_type_id is 28"),
        ({"data_id": "task/none.png"}, "is in none of"),
        ({"data_id": "../../../etc/passwd"}, "is in none of"),
        ({"choice_b": None}, "no choice_b"),
        ({"question": "<img> and <img>"}, "2 places for 1 images"),
        ({"question_type_id": 26}, "fewer than its choices"),
    ],
)
def test_a_bad_record_stops_it_and_is_named(data: Path, change: dict[str, Any], says: str):
    with pytest.raises(BenchmarkError, match=says) as error:
        items(data, question(5, frames(1)), question(6, frames(1)) | change)
    assert "questions[1]" in str(error.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("C", 2), ("(d)", None), ("**B**", 1), ("B. Two", 1), ("Answer: A", 0), ("answer is \\boxed{C}", 2), ("A man is walking", None),
        ("I think B", 1), ("A. no, B. yes, so the answer is B", 1), ("It is A or B", None), ("E", None), ("Between (A) and (C)", None),
        ("The correct option is D: four", 3), ("x" * 50_000 + "B", None),
    ],
)  # fmt: skip
def test_letters_are_read_where_they_are_certain(text: str, found: int | None):
    assert letter(text, 4) == found


def test_a_choice_is_known_by_its_words():
    assert chosen("a red car.", [("A red car",), ("A blue car",)]) == 0
    assert chosen("red", [("red",), ("Red",)]) is None
