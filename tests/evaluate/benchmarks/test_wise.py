"""WISE: prompts by number, grades weighed, the authors' leaderboard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluate.ruledjudge import RuledJudge, picture
from limner.evaluate.benchmark import BenchmarkError, Output
from limner.evaluate.benchmarks.wise import LEGACY, UPDATED, WISE, WISE_VERIFIED, leaderboard, overall, wiscore

RED = picture("red")


def _data(folder: Path, numbers: tuple[int, int, int] = (1, 401, 1000), ending: str = "") -> Path:
    for stem, number in zip(("cultural_common_sense", "spatio-temporal_reasoning", "natural_science"), numbers, strict=True):
        row = {
            "Prompt": "Food of the Mid-Autumn Festival",
            "Explanation": "mooncakes",
            "Category": "x",
            "Subcategory": "Festival",
            "prompt_id": number,
        }
        (folder / f"{stem}{ending}.json").write_text(json.dumps([row]))
    return folder


def test_the_category_is_told_by_the_number(tmp_path: Path) -> None:
    assert [item.categories["category"] for item in WISE.items(_data(tmp_path, (400, 567, 701)))] == [
        "culture",
        "time",
        "biology",
    ]
    assert [item.categories["category"] for item in WISE_VERIFIED.items(_data(tmp_path, (400, 567, 701), "_verified"))] == [
        "culture",
        "space",
        "biology",
    ]


def test_the_judge_sees_what_the_prompt_means(tmp_path: Path) -> None:
    seen: list[tuple[object, ...]] = []
    item = next(WISE.items(_data(tmp_path)))
    WISE.score(item, Output(((RED,),)), RuledJudge(lambda case, aspect: seen.append(case.request) or 1.0))
    assert seen[0] == ("Food of the Mid-Autumn Festival", "Explanation: mooncakes")


def test_grades_are_weighed_to_a_score_from_nothing_to_one(tmp_path: Path) -> None:
    grades = {"consistency": 2, "realism": 1, "aesthetic quality": 1}
    scored = WISE.score(
        next(WISE.items(_data(tmp_path))), Output(((RED,),)), RuledJudge(lambda case, aspect: grades[aspect.name])
    )
    assert scored.values["WiScore"] == pytest.approx((0.7 * 2 + 0.2 * 1 + 0.1 * 1) / 2)
    assert wiscore(dict.fromkeys(grades, 2)) == pytest.approx(1)


def test_the_update_has_one_grade_of_yes_or_no(tmp_path: Path) -> None:
    item = next(WISE_VERIFIED.items(_data(tmp_path, ending="_verified")))
    assert WISE_VERIFIED.score(item, Output(((RED,),)), RuledJudge(lambda case, aspect: 1.0)).values == {"WiScore": 1.0}
    assert WISE_VERIFIED.score(item, Output(((RED,),)), RuledJudge(lambda case, aspect: None)).failed == {"WiScore": "timeout"}


def test_no_image_scores_nothing(tmp_path: Path) -> None:
    assert WISE.score(next(WISE.items(_data(tmp_path))), Output((("I cannot draw.",),)), RuledJudge()).values["WiScore"] == 0


@pytest.mark.parametrize("edition", [LEGACY, UPDATED])
def test_all_categories_make_the_score_in_all(edition: object) -> None:
    assert isinstance(edition, type(LEGACY))
    assert overall(dict.fromkeys(edition.ends, 0.5), edition) == pytest.approx(0.5)
    assert overall({"culture": 1.0}, edition) is None


BOARD = """# Results

| Rank | Model | Overall | CULTURE | TIME | SPACE | BIOLOGY | PHYSICS | CHEMISTRY |
| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| 1 | A | **0.5** | 0.6 | 0.25 | 0.1 | 0.2 | 0.3 | 0.4 |

_end_
"""


def test_the_leaderboard_is_read_by_its_heads(tmp_path: Path) -> None:
    (tmp_path / "board.md").write_text(BOARD)
    scores = {"culture": 0.6, "time": 0.25, "space": 0.1, "biology": 0.2, "physics": 0.3, "chemistry": 0.4}
    assert leaderboard(tmp_path / "board.md") == {"A": {**scores, "overall": 0.5}}
    (tmp_path / "board.md").write_text("no table")
    with pytest.raises(BenchmarkError, match="no table"):
        leaderboard(tmp_path / "board.md")


def test_a_number_outside_stops_it(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="prompt_id is 1001"):
        list(WISE.items(_data(tmp_path, (1, 401, 1001))))
