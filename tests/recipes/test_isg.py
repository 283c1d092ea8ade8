"""The recipe isg: composed requests through the benchmark's loader, questions answered by looking, pictures mended, the smoke run."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

pytest.importorskip("torch")

from limner.corpus.pixels import Pixels, decode
from limner.evaluate.benchmark import Item, Output, contents
from limner.evaluate.benchmarks.isg import ISG
from limner.evaluate.judging import Aspect, Case, Grade
from limner.evaluate.scenegraph import Block, parsed
from limner.experts.onnx import Floats
from limner.models.reader import png
from limner.packages.cachedir import cache_folder
from limner.recipes.isgagent import Budget, Workshop
from limner.recipes.isgeyes import Eye, LookingJudge, named, stands
from limner.recipes.isgrequests import TASKS, composed, placed, written
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.sources.datasets import dataset

HUES = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220), "black": (0, 0, 0)}
DRAWN = {name: np.full((16, 16, 3), hue, np.uint8) for name, hue in HUES.items()}


def _means(crops: list[Pixels]) -> Floats:
    return np.stack([2 * (255 - crop.reshape(-1, 3).astype(np.float32).mean(0)) for crop in crops])


def _eye() -> Eye:
    rows = np.array([255 - np.array(hue) for hue in HUES.values()], np.float32)
    return Eye(tuple(HUES), rows / np.linalg.norm(rows, axis=1, keepdims=True), cast("Any", lambda crops: _means(list(crops))))


class Unable:
    """A judge of nothing."""

    name = "none"
    settings: Mapping[str, str] = {}

    def grade(self, cases: Sequence[Case], aspect: Aspect) -> list[Grade]:
        return [Grade(None, "", "unable") for _ in cases]

    def choose(self, case: Case, question: str, options: Sequence[str]) -> Grade:
        return Grade(None, "", "unable")


def _judge() -> LookingJudge:
    return LookingJudge(_eye(), Unable())


def _items(folder: Path) -> list[Item]:
    written(composed(6, list(HUES), random.Random(0)), DRAWN, folder)
    return list(ISG.items(folder))


def test_requests_are_of_each_task_and_are_parsed_to_their_structure(tmp_path: Path):
    items = _items(tmp_path)
    assert [item.categories["task"] for item in items] == [*TASKS, *TASKS]
    graphs = [parsed(str(item.asked[0])) for item in items]
    assert [graph.structure for graph in graphs if graph] == [item.expected["structure"] for item in items]


def test_a_golden_answer_is_right_on_every_level_that_is_asked_by_question(tmp_path: Path):
    for item in _items(tmp_path):
        scored = ISG.score(item, Output((contents(item.reference),)), _judge())
        assert (scored.values["structure"], scored.values["block"], scored.values["image"]) == (1, 10, 1)
        assert scored.failed == {"holistic": "unable"}


def test_the_pictures_of_other_things_are_wrong(tmp_path: Path):
    item = _items(tmp_path)[0]
    wrong = png(placed([DRAWN["black"]]))
    golden = tuple(wrong if isinstance(part, bytes) else part for part in contents(item.reference))
    scored = ISG.score(item, Output((golden,)), _judge())
    assert scored.values["structure"] == 1
    assert scored.values["image"] < 1
    assert scored.values["block"] < 10


def test_where_things_stand_is_seen():
    things = _eye().things(placed([DRAWN["red"], DRAWN["blue"]], "above"))
    assert stands(things, "red", "above", "blue")
    assert not stands(things, "blue", "above", "red")
    assert not stands(things, "red", "to the left of", "blue")


def test_another_question_is_not_answered():
    picture = png(placed([DRAWN["red"]]))
    assert _judge().choose(Case((), (picture,)), "Is it art?", ("yes", "no")).failed == "unable"


def test_a_thing_is_named_as_a_whole_word():
    assert named("Two red apples.", "red apple")
    assert not named("The donkey eats.", "key")


class Drawer(Workshop):
    """Tools whose candidates are at first of another thing."""

    def __init__(self) -> None:
        self.eye, self.budget, self.used = _eye(), Budget(pictures=2), Counter()
        self._drawn = lambda thing: [DRAWN["black"], DRAWN[thing]]


@pytest.mark.parametrize("block", [Block("image", ("red",)), Block("image", ("red", "blue"), "above")])
def test_a_checked_picture_shows_what_it_must(block: Block):
    tools = Drawer()
    seen = [tools.holds(block, decode(tools.draw(block, check, "agent"))) for check in (False, True)]
    assert seen == [False, True]


def test_a_picture_costs_the_same_candidates_checked_or_not():
    tools = Drawer()
    for way, check in (("one-shot", False), ("agent", True)):
        tools.draw(Block("image", ("red", "blue"), "above"), check, way)
    assert tools.used["one-shot.pictures"] == tools.used["agent.pictures"] == 4


def test_the_smoke_run():
    pytest.importorskip("emoji")
    for name in ("efficientnet-lite0", "all-minilm-l6-v2", "smollm2-135m-instruct"):
        if not (cache_folder("models") / name).is_dir():
            pytest.skip(f"the weights {name} are not here: they come with their first use")
    for name in recipe("isg").data("smoke"):
        if not dataset(name).here:
            pytest.skip(f"needs `limner data get {name}`")
    result = run(recipe("isg"), "smoke")
    figures = {name: found["mean"] for name, found in result["figures"].items()}
    assert figures["requests"] == 3
    assert figures["structure.refined.planned"] == figures["structure.agent"] == 100
    for level in ("structure", "block", "image", "holistic"):
        assert figures[f"{level}.agent.failed"] == 0
        assert figures[f"{level}.gain"] == pytest.approx(figures[f"{level}.agent"] - figures[f"{level}.one-shot"], abs=0.01)
    assert {claim["key"]: claim["word"] for claim in result["claims"]}["published"] == "waits"
