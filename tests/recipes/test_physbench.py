"""The recipe physbench: scenes that show what they say, experts that see it, choices by likelihood, the smoke run measures."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("av")

from limner.corpus.pixels import Pixels
from limner.evaluate.benchmarks.physbench import PHYS_BENCH
from limner.packages.cachedir import cache_folder
from limner.recipes.physagent import MEMORY, Agent, boxes_of
from limner.recipes.physscenes import Asked, asked, written
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.recipes.sprites import THINGS, scene, sprites
from limner.sources.datasets import dataset

SQUARES = {
    f"square {n}": np.pad(np.full((12, 12, 3), 25 * n, np.uint8), ((2, 2), (2, 2), (0, 0)), constant_values=255) for n in range(6)
}


def questions(each: int = 1, seed: int = 0) -> dict[str, Asked]:
    return {question.subclass: question for question in asked(SQUARES, each, random.Random(seed))}


class Fixed:
    """A language model that likes texts with a word the best."""

    def __init__(self, liked: str) -> None:
        self.liked = liked

    def likelihood(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, int]]:
        return [(-1.0 if self.liked in after else -9.0, 3) for _, after in pairs]


def test_questions_are_read_as_the_authors_files_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    written(list(questions().values()), tmp_path)
    items = list(PHYS_BENCH.items(tmp_path))
    assert [item.categories["subclass"] for item in items] == ["number", "mass", "location", "motion"]
    assert [len([piece for piece in item.asked if isinstance(piece, Path)]) for item in items] == [1, 1, 1, 8]


@pytest.mark.parametrize("seed", range(5))
def test_a_picture_has_as_many_things_as_it_says(seed: int):
    question = questions(seed=seed)["number"]
    count = int(question.truth.rpartition(" ")[2])
    others = len(boxes_of(question.shown[0])) - count
    assert int(question.choices[question.right]) == count
    assert 1 <= others <= 3


@pytest.mark.parametrize("seed", range(5))
def test_a_thing_moves_the_way_it_says(seed: int):
    question = questions(seed=seed)["motion"]
    first, last = (_middles(shown) for shown in (question.shown[0], question.shown[-1]))
    ((x, y),), ((u, v),) = first - last, last - first
    way = {(True, True): "to the right", (True, False): "to the left", (False, True): "downwards", (False, False): "upwards"}
    across = abs(u - x) > abs(v - y)
    assert question.choices[question.right] == way[across, (u > x) if across else (v > y)]


def _middles(shown: Pixels) -> set[tuple[float, float]]:
    return {((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in boxes_of(shown)}


def test_the_heaviest_thing_is_the_right_one():
    question = questions()["mass"]
    assert question.truth.startswith(f"The {question.choices[question.right]} weighs ")


def test_an_empty_ground_has_no_things():
    assert boxes_of(scene(64, (250, 250, 250), [])) == []


@pytest.fixture(scope="module")
def agent() -> Agent:
    pytest.importorskip("emoji")
    for name in ("efficientnet-lite0", "all-minilm-l6-v2"):
        if not (cache_folder("models") / name).is_dir():
            pytest.skip(f"the weights {name} are not here: they come with their first use")
    if not dataset("fluent-emoji").here:
        pytest.skip("needs `limner data get fluent-emoji`")
    return Agent(Fixed("three"), THINGS)


def test_the_likeliest_choice_is_taken(agent: Agent):
    assert agent.choose("How many?", ("one", "two", "three", "four")) == 2


def test_each_entry_of_memory_is_remembered_by_what_it_is_about(agent: Agent):
    assert [agent.remembered(entry.about) for entry in MEMORY] == list(MEMORY)


def test_experts_say_what_is_seen(agent: Agent):
    drawn = sprites(("fluent-emoji",))["fluent-emoji"]
    apart = scene(384, (246, 244, 236), [(drawn["penguin"], 0.05, 0.4, 0.26), (drawn["frog"], 0.6, 0.4, 0.26)])
    later = scene(384, (246, 244, 236), [(drawn["penguin"], 0.05, 0.4, 0.26), (drawn["frog"], 0.6, 0.05, 0.26)])
    by = {entry.asks: entry for entry in MEMORY}
    assert "penguin: 1." in agent.found(by["counts"], [apart])
    assert "The penguin is to the left of the frog." in agent.found(by["places"], [apart])
    told = agent.found(by["ways"], [apart, later])
    assert "The frog moves upwards." in told
    assert "The penguin stands still." in told


def test_the_smoke_run(agent: Agent):
    pytest.importorskip("rapidocr")
    if not (cache_folder("models") / "smollm2-135m-instruct").is_dir():
        pytest.skip("the weights smollm2-135m-instruct are not here: they come with their first use")
    result = run(recipe("physbench"), "smoke")
    figures = {name: found["mean"] for name, found in result["figures"].items()}
    assert figures["questions"] == 4
    assert figures["all.gain"] == figures["all.agent"] - figures["all.bare"]
    assert {claim["key"]: claim["word"] for claim in result["claims"]}["bare"] == "waits"
