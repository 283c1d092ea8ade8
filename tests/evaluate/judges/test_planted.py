"""The bench of judges on passages of a test: what it measures of a judge, and the server whose model it asks."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from evaluate.judges.test_bundled import ONE, TWO, picture
from experts.tiny import llama
from limner.evaluate.judges.address import judge
from limner.evaluate.judges.asking import Asking
from limner.evaluate.judges.defects import DEFECTS
from limner.evaluate.judges.passages import Passage, Said, Shown
from limner.evaluate.judging import Aspect, Case

sys.path.insert(0, str(Path(__file__).parents[3] / "bench" / "evaluate"))
planted = importlib.import_module("planted")
serving = importlib.import_module("served").serving


def made(name: str, one: bytes, two: bytes) -> Passage:
    return Passage(
        name, name,
        (
            Said(f"The {name} is a tool that removes the outer parts of an image."),
            Shown(one, "Figure 1. The tool"),
            Said(f"Draw a box with the {name} on the left side of the image. It has three handles that change the size of the box."),
            Said("Everything outside of the box is dark while you draw it."),
            Shown(two, "Figure 2. The result"),
            Said("Press Enter when you are done with the box. The image is smaller now."),
        ),
    )  # fmt: skip


SETS = {
    "one": [made("cropper", ONE, TWO), made("cutter", picture(3), picture(4))],
    "two": [made("knife", picture(5), picture(6))],
}


def test_a_judge_is_measured_by_defect_and_set():
    found = planted.Graded(SETS, planted.WHOLE, sources=False).measured(judge("bundled:structural"))
    assert (found["judge"], found["shown"], found["failed"]) == ("bundled:structural", "pages", 0.0)
    assert set(found["defects"]) == set(DEFECTS)
    assert found["passages"] == {"one": 2, "two": 1}
    assert found["defects"]["image-repeated"]["auc"] == found["defects"]["sentence-repeated"]["auc"] == 1.0
    assert found["defects"]["image-repeated"]["documents"] == 3
    assert found["by_set"]["two"]["image-repeated"]["documents"] == 1


def test_a_judge_that_never_grades_has_no_auc():
    found = planted.Graded(SETS, Aspect("beauty", ""), sources=False).measured(judge("bundled:structural"))
    assert (found["failed"], found["failures"]) == (1.0, {"unable": found["gradings"]})
    assert "auc" not in found["defects"]["image-repeated"]
    assert found["defects"]["image-repeated"]["failed"] == 1.0


def test_a_model_that_runs_here_is_a_judge_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("openai")
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("limner.experts.language_openai.RETRIES", 0)
    with serving(f"hf:{llama(tmp_path / 'model', context=4096)}", port=0) as url:
        blind, seeing = (judge(f"{scheme}:openai:tiny@{url}", Asking(tokens=8, again=1)) for scheme in ("blind", "language"))
        case = Case(("Crop.",), ("Draw a box.", ONE))
        (found,) = blind.grade([case], planted.WHOLE)
        assert (found.value, found.failed, len(found.raw)) == (None, "nonsense", 2)
        (found,) = seeing.grade([case], planted.WHOLE)
        assert (found.value, found.failed) == (None, "error")
        assert "takes no pictures" in found.reason
