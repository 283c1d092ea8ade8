"""The recipe image-regeneration: how a ladder is ranked, descriptions and their revision, best of so many, the smoke run."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from limner.corpus.pixels import Pixels
from limner.errors import LimnerError
from limner.evaluate.metrics.regeneration import alike, each_ranked, identified, mean_ranked, ranked
from limner.packages.cachedir import cache_folder
from limner.recipes.describing import Described, Looked, revised
from limner.recipes.image_regeneration import RECIPE
from limner.recipes.recipe import recipe
from limner.recipes.repainting import repainted
from limner.recipes.run import run
from limner.sources.datasets import dataset

KEY = Described(("key", "lock", "door"), ("yellow", "red"), "tall", "noto")


def test_an_image_is_identified_where_its_own_reference_is_the_nearest():
    real = np.eye(4)
    assert identified(real, real).tolist() == [1, 1, 1, 1]
    assert identified(real[[1, 0, 2, 3]], real).tolist() == [1 / 3, 1 / 3, 1, 1]
    assert identified(np.ones((4, 4)), real).tolist() == [0.5] * 4


def test_images_and_references_are_as_many():
    with pytest.raises(LimnerError, match="differ"):
        alike(np.eye(3), np.eye(3)[:2])


def test_a_ladder_is_ranked_by_means_and_by_each_reference():
    draw = np.random.default_rng(0)
    rising = np.linspace(0, 1, 5) + 0.05 * draw.standard_normal((40, 5))
    whole, each = ranked(rising, range(40)), mean_ranked(rising, range(40))
    assert whole.value == 1
    assert whole.low > 0.8
    assert 0.8 < each.low <= each.value <= each.high <= 1
    noise = ranked(draw.standard_normal((40, 5)), range(40))
    assert noise.high - noise.low > 0.5


def test_scipy_ranks_the_same():
    from scipy.stats import spearmanr

    table = np.random.default_rng(1).integers(0, 4, (20, 6)).astype(float)
    ours = each_ranked(table)
    for row, value in zip(table, ours, strict=True):
        theirs: Any = spearmanr(row, range(6))
        assert value == pytest.approx(np.nan_to_num(theirs.statistic))


def test_too_short_a_ladder_is_refused():
    with pytest.raises(LimnerError, match="three rungs"):
        each_ranked(np.zeros((4, 2)))


def test_a_description_is_written_as_dense_captions_are():
    from limner.recipes.densecaptions import dense

    red = np.full((8, 8, 3), (200, 30, 20), np.uint8)
    assert dense("key, noto", red) == Described(("key",), ("red",), "", "noto").text


def test_missing_colours_are_stressed():
    drawn = Described(("key",), ("yellow",), "", "noto")
    again = revised(KEY, drawn)
    assert again.stressed == ("red",)
    assert again.name == "key"
    assert again.text.startswith("red, ")


def test_a_name_that_is_taken_for_something_else_is_replaced():
    drawn = Described(("fish", "boat"), ("yellow", "red"), "", "noto")
    once = revised(KEY, drawn)
    assert [one.name for one in (KEY, once, revised(once, drawn))] == ["key", "lock", "door"]


def test_nothing_wrong_leaves_the_words():
    assert revised(KEY, KEY) == KEY


class Fixed:
    """Describes by the first pixel; its features are the picture's."""

    def look(self, shown: Sequence[Pixels]) -> Looked:
        rows = np.stack([np.asarray(picture, np.float32).reshape(-1)[:3] for picture in shown])
        return Looked(shown, rows, rows)

    def describe(self, seen: Looked) -> list[Described]:
        return [Described(("key", "lock"), ("red",) if picture[0, 0, 0] > 100 else (), "", "noto") for picture in seen.shown]


def test_revision_reaches_what_the_first_words_do_not():
    asked: list[list[str]] = []

    def draws(prompts: Sequence[str], seed: int) -> list[Pixels]:
        asked.append(list(prompts))
        return [
            np.full((1, 1, 3), (200, 10, 10) if prompt.startswith("red, ") else (10, 10, 200), np.uint8) for prompt in prompts
        ]

    describer: object = Fixed()
    reference = Fixed().look([np.full((1, 1, 3), (210, 10, 10), np.uint8)] * 2)
    found, best = repainted(draws, describer, reference, 2, 0)  # type: ignore[arg-type]
    assert len(asked) == len(found) == 3
    assert found[0].max() < 0.2 < 0.99 < found[1].min() <= found[2].min()
    assert all(one.stressed == ("red",) for one in best)
    plain, _ = repainted(draws, describer, reference, 2, 0, revises=False)  # type: ignore[arg-type]
    assert np.allclose(plain[-1], plain[0])


def test_the_picture_that_is_chosen_gets_no_less_like_in_the_reviewers_eyes():
    chance = np.random.default_rng(0)

    def draws(prompts: Sequence[str], seed: int) -> list[Pixels]:
        return [chance.integers(1, 255, (1, 1, 3)).astype(np.uint8) for _ in prompts]

    reference = Fixed().look([np.full((1, 1, 3), (210, 10, 10), np.uint8)] * 8)
    found, _ = repainted(draws, Fixed(), reference, 4, 0, revises=False)  # type: ignore[arg-type]
    assert all((after >= before).all() for before, after in pairwise(found))


def test_the_smoke_run():
    pytest.importorskip("emoji")
    for name in ("efficientnet-lite0", "all-minilm-l6-v2"):
        if not (cache_folder("models") / name).is_dir():
            pytest.skip(f"the weights {name} are not here: they come with their first use")
    for name in RECIPE.data("smoke"):
        if not dataset(name).here:
            pytest.skip(f"needs `limner data get {name}`")
    result = run(recipe("image-regeneration"), "smoke")
    figures = {name: found["mean"] for name, found in result["figures"].items()}
    assert figures["revised.0"] == figures["independent.0"]  # both begin with the same words and noise
    assert figures["rounds.gain"] == pytest.approx(figures["revised.1"] - figures["revised.0"], abs=1e-5)
    needed = {f"{claim.within}.gain" if claim.within else claim.better for claim in RECIPE.claims if not claim.waits}
    assert needed <= set(figures)
