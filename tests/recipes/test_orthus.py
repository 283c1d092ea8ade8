"""The recipe orthus: tokens made all at once are those that heads read, Orthus begins with the weights of the model on codes, the ways are about
equally large, the smoke run measures all claims."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")
pytest.importorskip("diffusers")
pytest.importorskip("emoji")

from dataclasses import replace

import numpy as np
import torch

from limner.models.decoder import Decoder
from limner.models.heads.codes import CodesHead
from limner.models.heads.token_diffusion import DiffusionMLP, TokenDiffusionHead, TokenDiffusionSettings
from limner.models.heads.vectors import pixels
from limner.models.vocabulary import Vocabulary
from limner.recipes.drawings import drawings
from limner.recipes.features import Tokenizers, apart
from limner.recipes.orthus import RECIPE, WAYS, on_codes, on_features
from limner.recipes.run import run
from limner.sources.datasets import dataset

torch.set_num_threads(1)


def test_what_is_put_in_place_of_codes():
    if not dataset("fluent-emoji").here:
        pytest.skip("needs `limner data get fluent-emoji`")
    s = RECIPE.settings["smoke"]
    s = replace(s, made=replace(s.made, steps=2, batch=4, tuned=1))
    train, test = apart(drawings(s.data, s.side, s.most)["train"], 4)
    assert len(test.texts) == 4
    assert not set(train.texts) & set(test.texts)
    kept = Tokenizers(s.made, train, s.side)
    vocabulary = Vocabulary.learnt(train.texts, s.vocabulary)
    hard = on_codes(s, kept.hard, vocabulary)
    soft, new = (on_features(s, hard, kept, vocabulary, way, 0) for way in (True, False))
    assert isinstance(hard.image, CodesHead)
    assert isinstance(soft.image, TokenDiffusionHead)
    shown = pixels(test.some.images)
    for picture, codes, features in zip(shown, kept.codes(test, vocabulary.size), kept.features(test), strict=True):
        assert np.array_equal(hard.image.read(picture).ids, codes.ids)
        read = soft.image.read(picture)
        assert features.values is not None
        assert read.values is not None
        assert (read.rows, read.columns, read.loss) == (features.rows, features.columns, features.loss)
        np.testing.assert_allclose(read.values, features.values, atol=1e-4)
    for name, weight in soft.backbone.named_parameters():
        assert torch.equal(weight, hard.backbone.get_parameter(name))
    sizes = [sum(p.numel() for p in model.parameters()) for model in (soft, new)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)


def test_the_diffusion_head_is_as_large_as_the_head_for_codes_that_it_stands_for():
    s = RECIPE.settings["laptop"]
    settings = TokenDiffusionSettings(s.made.channels, s.decoder.width, *s.head)
    diffusion = sum(p.numel() for p in DiffusionMLP(settings).parameters())
    whole = sum(p.numel() for p in Decoder(s.decoder).parameters()) + 2 * (s.vocabulary + s.made.entries) * s.decoder.width
    assert abs(s.made.entries * s.decoder.width - diffusion) < 0.05 * whole


def test_the_smoke_run():
    if not dataset("fluent-emoji").here:
        pytest.skip("needs `limner data get fluent-emoji`")
    figures = run(RECIPE, "smoke")["figures"]
    wanted = {name for claim in RECIPE.claims for name in (claim.better, claim.worse) if name}
    wanted |= {f"{claim.within}.gain" for claim in RECIPE.claims if claim.within}
    assert wanted <= set(figures)
    assert all(0 <= figures[f"{way}.reading"]["mean"] <= 100 for way in WAYS)
