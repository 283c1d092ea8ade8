"""GenEval: prompts, images in which a detector looks, and what people said."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluate.ruledjudge import RuledJudge, picture
from limner.corpus.pixels import Pixels
from limner.evaluate.benchmark import BenchmarkError, Output
from limner.evaluate.benchmarks import genevalvotes
from limner.evaluate.benchmarks.geneval import GenEvalBench
from limner.evaluate.metrics.geneval import Prompt, Requirement
from limner.experts import address
from limner.experts.detector import Seen

PROMPTS = [
    {"tag": "single_object", "include": [{"class": "square", "count": 1}], "prompt": "a photo of a square"},
    {"tag": "colors", "include": [{"class": "square", "count": 1, "color": "red"}], "prompt": "a photo of a red square"},
]  # fmt: skip


class Squares:
    """Finds what is not white, as one square."""

    def detect(self, images: Sequence[Pixels]) -> list[list[Seen]]:
        found: list[list[Seen]] = []
        for pixels in images:
            rows, columns = np.nonzero((pixels < 250).any(2))
            box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1) if len(rows) else None
            found.append([Seen("square", 0.9, box)] if box else [])
        return found


@pytest.fixture
def squares(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(address, "_registered", {})
    address.register("detector", "squares")(lambda rest: Squares())
    return "squares:any"


def _square(colour: str) -> bytes:
    image = Image.new("RGB", (32, 32), "white")
    image.paste(colour, (8, 8, 20, 20))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _data(folder: Path, rows: Sequence[object] = PROMPTS) -> Path:
    (folder / "evaluation_metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def test_images_are_scored_by_what_the_detector_finds(tmp_path: Path, squares: str) -> None:
    bench = GenEvalBench(squares, "pixels")
    plain, red = bench.items(_data(tmp_path))
    assert bench.score(plain, Output(((_square("blue"), picture("white")),)), None).values == {
        "correct[squares:any, pixels]": 0.5
    }
    assert bench.score(red, Output(((_square("red"),),)), None).values == {"correct[squares:any, pixels]": 1.0}
    wrong = bench.score(red, Output(((_square("blue"),),)), None)
    assert wrong.values == {"correct[squares:any, pixels]": 0.0}
    assert "red" in wrong.reasons["correct[squares:any, pixels]"]


def test_colours_are_not_scored_where_nobody_tells_them(tmp_path: Path, squares: str) -> None:
    bench = GenEvalBench(squares)
    plain, red = bench.items(_data(tmp_path))
    assert bench.score(plain, Output(((_square("blue"),),)), None).values == {"correct[squares:any, no colours]": 1.0}
    assert bench.score(red, Output(((_square("red"),),)), None).values == {}


def test_without_a_detector_a_judge_says_what_is_shown(tmp_path: Path) -> None:
    bench = GenEvalBench()
    item = next(bench.items(_data(tmp_path)))
    judge = RuledJudge(says=lambda case, question: case.answer[0] == picture("red"))
    assert bench.score(item, Output(((picture("red"), picture("blue")),)), judge).values == {"shown": 0.5}
    assert bench.score(item, Output((("no",),)), judge).values == {"shown": 0.0}
    assert [measure.name for measure in bench.measures] == ["shown"]


def test_metadata_of_another_form_stops_it(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"line 1.*mauve"):
        list(
            GenEvalBench().items(
                _data(tmp_path, [{"tag": "colors", "include": [{"class": "cow", "count": 1, "color": "mauve"}], "prompt": "x"}])
            )
        )


ASKED = [
    Prompt("counting", (Requirement("cow", 2),), (Requirement("cow", 3),)),
    Prompt("position", (Requirement("cow"), Requirement("cup", position="left of", target=0))),
]
HEADS = (
    "Input.index,Input.prompt_id,Answer.task-count-0,Answer.task-count-1,Answer.task-color-0,Answer.task-color-1,"
    "Answer.task-position-x,Answer.task-position-y,Answer.task-quality"
)


def _votes(folder: Path, *rows: str) -> list[genevalvotes.Vote]:
    (folder / "annotations.csv").write_text("\n".join((HEADS, *rows)) + "\n")
    return genevalvotes.votes(folder / "annotations.csv")


@pytest.mark.parametrize(
    ("row", "right"),
    [
        ("0_0,0,2,,black|white,,,,4", True),
        ("0_0,0,3,,,,,,2", False),  # more than asked
        ("0_0,0,1,,,,,,2", False),
        ("1_0,1,1,1.0,,,left,above,4", True),
        ("1_0,1,1,1.0,,,right,above,4", False),
        ("1_0,1,1,0.0,,,,,2", False),
    ],
)
def test_a_vote_says_whether_the_image_is_what_is_asked(tmp_path: Path, row: str, right: bool) -> None:
    [vote] = _votes(tmp_path, row)
    assert genevalvotes.right(vote, ASKED[vote.prompt]) is right


def test_agreement_is_over_pairs_of_people_who_saw_the_same_image(tmp_path: Path) -> None:
    votes = _votes(tmp_path, *["0_0,0,2,,,,,,4"] * 2, "0_0,0,1,,,,,,4", "1_0,1,1,1,,,left,,4", "1_0,1,1,1,,,left,,4")
    assert genevalvotes.pairwise_agreement(votes, ASKED) == {"counting": 1 / 3, "position": 1.0, "all": 2 / 4}
    assert genevalvotes.unanimous(votes, ASKED) == 0.5
    assert genevalvotes.shares(votes, ASKED) == {"counting": 1.0, "position": 1.0, "overall": 1.0}


def test_a_vote_without_a_number_of_things_stops_it(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"annotations.csv, line 2.*task-quality"):
        _votes(tmp_path, "0_0,0,2,,,,,,")
