"""The recipe pixart: captions say what pixels show, ways get as many operations, the smoke run measures every claim."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("diffusers")

import torch

from limner.models.dit import DiT, DiTSettings
from limner.recipes.densecaptions import colours, dense, shape
from limner.recipes.pixart import RECIPE, Learnt, Settings, stages
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.sources.datasets import dataset


def drawing(*boxes: tuple[int, int, int, int, tuple[int, int, int]]) -> np.ndarray:
    made = np.full((64, 64, 3), 255, np.uint8)
    for top, left, bottom, right, colour in boxes:
        made[top:bottom, left:right] = colour
    return made


def test_colours_are_those_of_what_is_drawn():
    assert colours(drawing((10, 10, 50, 50, (220, 30, 30)))) == ["red"]
    assert colours(drawing((0, 0, 30, 64, (30, 60, 220)), (30, 0, 60, 40, (250, 220, 40)))) == ["blue", "yellow"]
    assert colours(drawing((0, 0, 60, 60, (30, 160, 50)), (0, 0, 3, 3, (220, 30, 30)))) == ["green"]
    assert colours(drawing()) == []
    names = {
        "black": (10, 10, 10),
        "grey": (128, 128, 128),
        "brown": (110, 70, 40),
        "pink": (240, 90, 170),
        "purple": (130, 40, 200),
    }
    for name, colour in names.items():
        assert colours(drawing((10, 10, 50, 50, colour))) == [name]


def test_shapes():
    assert shape(drawing((28, 2, 36, 60, (0, 0, 0)))) == "wide"
    assert shape(drawing((2, 28, 60, 36, (0, 0, 0)))) == "tall"
    assert shape(drawing((28, 28, 40, 40, (0, 0, 0)))) == "small"
    assert shape(drawing((2, 2, 60, 60, (0, 0, 0)))) == shape(drawing()) == ""


def test_a_caption_has_all_of_it():
    picture = drawing((28, 2, 36, 60, (220, 30, 30)))
    assert dense("fire engine, noto", picture, "road_vehicles") == "wide red fire engine, noto, road vehicles"
    assert dense("nothing", drawing()) == "nothing"


def test_every_way_has_all_operations():
    for each in stages(Settings()).values():
        assert sum(stage.share for stage in each) == pytest.approx(1)


def test_cost_is_when_a_loss_is_first_reached():
    learnt = Learnt(DiT(DiTSettings(8, 2, 2, 16, 2, 1)), (0.5, 1.0), (2.0, 1.0))
    assert learnt.reaching(1.5) == pytest.approx(0.75)
    assert learnt.reaching(2.0) == 0.5
    assert learnt.reaching(0.5) == float("inf")


def test_the_smoke_run():
    pytest.importorskip("emoji")
    for name in RECIPE.data("smoke"):
        if not dataset(name).here:
            pytest.skip(f"needs `limner data get {name}`")
    torch.set_num_threads(1)
    result = run(recipe("pixart"), "smoke")
    needed = {name for claim in RECIPE.claims for name in (claim.better, claim.worse) if name}
    assert needed <= set(result["figures"])
