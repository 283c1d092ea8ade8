"""Published figures recomputed from published outputs, where the authors' repositories are at $LIMNER_PUBLISHED (bench/evaluate/published.py says
which, each in a folder of its name)."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "bench" / "evaluate"
DATA = Path(os.environ.get("LIMNER_PUBLISHED", ""))


@pytest.fixture(scope="module")
def published() -> Any:
    """The script."""
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("published")
    sys.path.remove(str(FOLDER))
    for name in [path.stem for path in FOLDER.glob("*.py")]:
        sys.modules.pop(name, None)


def _found(published: ModuleType, part: str) -> dict[str, Any]:
    if not os.environ.get("LIMNER_PUBLISHED"):
        pytest.skip("LIMNER_PUBLISHED does not say where the authors' repositories are")
    result = published.recomputed(DATA, [part])[part]
    if "absent" in result:
        pytest.skip(result["absent"])
    return result


def test_the_arenas_table_of_grades_and_its_agreements_come_out_as_published(published: ModuleType) -> None:
    figures = _found(published, "OpenING")["figures"]
    assert len(figures) == 11 * 8 + 2 * 3 * 4
    # Two of the published shares are off by one percent from what their verdicts make, and so is the mean of both.
    assert [one["what"].partition(", ")[2] for one in figures if not one["same"]] == [
        "w/o Tie, Seen",
        "w/o Tie, Unseen",
        "w/o Tie, HM",
    ]


def test_judged_answers_make_the_published_quality(published: ModuleType) -> None:
    file = DATA / "MMDocRAG" / "response" / "evaluation" / "gpt-4.1_multimodal_quotes20_llm-judge.jsonl"
    if not file.is_file():
        pytest.skip("MMDocRAG's judged answers are not at $LIMNER_PUBLISHED")
    assert round(published.average(published.judged(file), as_published=True)["Avg"], 2) == 4.14


def test_all_votes_of_people_are_read(published: ModuleType) -> None:
    found = _found(published, "GenEval")
    assert (found["votes"], found["images"]) == (6000, 1200)
    assert found["agreement by task"]["all"] == pytest.approx(0.868, abs=0.001)


def test_short_answers_are_scored_as_by_the_authors_script(published: ModuleType) -> None:
    scorer = _found(published, "MMLongBench-Doc")["scorer"]
    assert scorer["not the same"] == []
    assert scorer["scored the same"] > 15_000
    assert scorer["right"] > 1_000 < scorer["answers"] - scorer["right"]


def test_scores_by_category_make_the_score_in_all(published: ModuleType) -> None:
    assert all(one["within rounding"] for one in _found(published, "WISE")["figures"])


def test_what_is_not_there_is_said_to_be_absent(published: ModuleType, tmp_path: Path) -> None:
    assert published.recomputed(tmp_path) == {
        name: {"absent": f"{folder} is not in --data"} for name, (folder, _) in published.PARTS.items()
    }


@pytest.mark.parametrize(("recomputed", "same", "within"), [(0.8768, True, True), (0.8749, False, True), (0.865, False, False)])
def test_a_figure_is_the_same_once_rounded_as_it_was_published(
    published: ModuleType, recomputed: float, same: bool, within: bool
) -> None:
    one = published.figure("agreement", 0.88, "the paper", recomputed, 2, slack=0.0002)
    assert (one["same"], one["within rounding"]) == (same, within)
