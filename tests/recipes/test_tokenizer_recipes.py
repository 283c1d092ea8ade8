"""The recipes of image tokenizers: their smoke runs measure all claims that they can."""

from __future__ import annotations

import importlib

import pytest

pytest.importorskip("torch")
pytest.importorskip("emoji")

from limner.recipes.run import run
from limner.sources.datasets import dataset


@pytest.mark.parametrize(
    ("module", "figures"),
    [
        ("parti", {"small.loss", "large.loss", "large.alignment", "tokenizer.psnr", "tokenizer.used"}),
        ("textok", {"plain.1.perceptual", "told.1.perceptual", "gain.2", "grid.16.speed", "told.2.alignment"}),
        ("instella_t2i", {"grid.fine.psnr", "line.binary.diffusion.distance", "line.onehot.ar.alignment", "line.binary.2.psnr"}),
    ],
)
def test_the_smoke_run(module: str, figures: set[str]):
    if not dataset("fluent-emoji").here:
        pytest.skip("needs `limner data get fluent-emoji`")
    recipe = importlib.import_module(f"limner.recipes.{module}").RECIPE
    result = run(recipe, "smoke")
    assert figures <= set(result["figures"])
    asked = {name for claim in recipe.claims for name in (claim.better, claim.worse) if name}
    missing = {name for name in asked - set(result["figures"]) if not any(part.isdigit() for part in name.split("."))}
    assert not missing
