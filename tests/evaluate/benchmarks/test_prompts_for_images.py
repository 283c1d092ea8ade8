"""PartiPrompts and DPG-Bench: the authors' tables, and what an image scores by a judge."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from evaluate.benchmarks.saying import Saying
from limner.evaluate.benchmark import BenchmarkError, Item, Output
from limner.evaluate.benchmarks.dpgbench import DPG_BENCH
from limner.evaluate.benchmarks.partiprompts import PARTI_PROMPTS
from limner.evaluate.judging import Grade

PICTURE = Output(((b"\x89PNG",),))


def test_partiprompts_are_a_line_each_with_category_and_challenge(tmp_path: Path):
    (tmp_path / "PartiPrompts.tsv").write_text(
        'Prompt\tCategory\tChallenge\tNote\nbond\tAbstract\tBasic\tmeanings\na sign that says "Deep\tOutdoor Scenes\tWriting & Symbols\t\n'
    )
    first, second = PARTI_PROMPTS.items(tmp_path)
    assert first.asked == ("bond",)
    assert second.asked == ('a sign that says "Deep',)
    assert second.categories == {"category": "Outdoor Scenes", "challenge": "Writing & Symbols"}
    scored = PARTI_PROMPTS.score(second, PICTURE, Saying(grades=lambda case, aspect: 3.0))
    assert scored.values == {"alignment": 3.0, "quality": 3.0, "image": 1.0}
    assert PARTI_PROMPTS.score(second, Output((("words",),)), None).values == {"image": 0.0}


NAMES = (
    "item_id",
    "text",
    "keywords",
    "proposition_id",
    "dependency",
    "category_broad",
    "category_detailed",
    "tuple",
    "question_natural_language",
)
GRAPH = [
    (1, "0", "entity", "Is there a hat?"),
    (2, "1", "attribute", "Is the hat red?"),
    (3, "0", "entity", "Is there a dog?"),
    (4, "1,3", "relation", "Does the dog wear the hat?"),
    (5, "0", "global", "Is it a painting?"),
]


def items(folder: Path, graph: list[tuple[int, str, str, str]]) -> list[Item]:
    with (folder / "dpg_bench.csv").open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(NAMES)
        for item in ("a", "b"):
            for number, parents, category, text in graph:
                table.writerow(
                    [item, "A painting, of a dog in a red hat.", "", number, parents, category, "whole", f"{category} - x", text]
                )
    return list(DPG_BENCH.items(folder))


def scored(folder: Path, *no: str, failing: str = "", output: Output = PICTURE) -> Any:
    def says(_: Any, question: str) -> str | Grade:
        return Grade(None, failed="nonsense") if question == failing else "no" if question in no else "yes"

    return DPG_BENCH.score(items(folder, GRAPH)[0], output, Saying(says))


def test_a_prompt_has_its_questions_and_what_they_depend_on(tmp_path: Path):
    first, second = items(tmp_path, GRAPH)
    assert (first.id, second.id) == ("a", "b")
    assert first.asked == ("A painting, of a dog in a red hat.",)
    assert [(q["id"], q["parents"]) for q in first.expected] == [(1, []), (2, [1]), (3, []), (4, [1, 3]), (5, [])]


def test_what_depends_on_a_no_is_a_no(tmp_path: Path):
    assert scored(tmp_path).values == {"score": 1, "entity": 1, "attribute": 1, "relation": 1, "global": 1}
    without_hat = scored(tmp_path, "Is there a hat?")
    assert without_hat.values["score"] == pytest.approx(2 / 5)  # a dog, and a painting
    assert without_hat.values["entity"] == 0.5
    assert without_hat.values["attribute"] == 1  # what is said of it by itself, as the authors count categories
    assert scored(tmp_path, "Is the hat red?").values["score"] == pytest.approx(4 / 5)


def test_a_judge_that_fails_costs_what_hangs_on_it_alone(tmp_path: Path):
    below = scored(tmp_path, "Is there a hat?", failing="Is the hat red?")
    assert below.values["score"] == pytest.approx(2 / 5)  # it is a no either way
    assert below.failed == {"attribute": "nonsense"}
    above = scored(tmp_path, failing="Is there a dog?")
    assert above.failed == {"score": "nonsense", "entity": "nonsense"}
    assert above.values["global"] == 1


def test_images_are_averaged_and_none_is_nothing(tmp_path: Path):
    two = Output(((b"1", b"2"),))
    judge = Saying(lambda case, question: "no" if case.answer == (b"2",) else "yes")
    item = items(tmp_path, GRAPH)[0]
    assert DPG_BENCH.score(item, two, judge).values["score"] == 0.5
    empty = DPG_BENCH.score(item, Output((("words",),)), judge)
    assert empty.values == dict.fromkeys(["score", "entity", "attribute", "relation", "global"], 0)
    assert DPG_BENCH.score(item, two, None).values == {}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ((6, "9", "entity", "?"), "depends on 9"),
        ((6, "x", "entity", "?"), "not numbers"),
        ((6, "6", "entity", "?"), "ring"),
        ((5, "0", "entity", "?"), "one number"),
        ((6, "0", "colour", "?"), "category_broad is 'colour'"),
    ],
)
def test_a_graph_that_is_none_stops_it(tmp_path: Path, bad: tuple[int, str, str, str], says: str):
    with pytest.raises(BenchmarkError, match=says):
        items(tmp_path, [*GRAPH, bad])
