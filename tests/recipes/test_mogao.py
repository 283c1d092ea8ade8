"""The recipe mogao: edits are what they are called, second pictures are judged by them, what guidance leaves out was left out in training, the smoke
run measures all claims."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")
pytest.importorskip("diffusers")
pytest.importorskip("emoji")

import torch

from limner.models.decoding import without
from limner.models.heads.dual import SEMANTIC
from limner.models.sequence import Piece, words
from limner.recipes.drawings import Drawings, Some
from limner.recipes.edits import EDITS, Asked, edited, far
from limner.recipes.mogao import RECIPE, WAYS, Readers, Settings, Way, sequences
from limner.recipes.run import run
from limner.sources.datasets import dataset

torch.set_num_threads(1)

SMALL = Settings(side=16, channels=4, seen=1, vocabulary=280, width=24, layers=1, heads=2)


def some(count: int = 12, side: int = 16) -> Drawings:
    draw = np.random.default_rng(0)
    colours = np.array([[255, 0, 0], [0, 120, 0], [0, 0, 255], [255, 255, 255]], np.uint8)
    pictures = np.stack([np.kron(colours[draw.integers(4, size=(4, 4))], np.ones((4, 4, 1), np.uint8)) for _ in range(count)])
    held = {"pixels": torch.from_numpy(pictures).permute(0, 3, 1, 2)}
    return Drawings(tuple(f"picture {i}" for i in range(count)), Some(held))


def shown(of: Drawings) -> list[np.ndarray]:
    return list(of.some["pixels"].permute(0, 2, 3, 1).numpy())


def test_edits_are_all_different_and_those_that_can_be_taken_back_are():
    picture = shown(some())[0]
    ways = np.stack([edited(picture, edit) for edit in EDITS] + [picture])
    apart = np.array([far(ways, one[None]) for one in ways])
    assert (apart[~np.eye(len(ways), dtype=bool)] > 0.01).all()
    for edit in ("upside down", "inverted"):
        assert np.array_equal(edited(edited(picture, edit), edit), picture)
    grey = edited(picture, "in grey")
    assert (grey.max(2) == grey.min(2)).all()


def figures(asked: Asked, drawn: list[np.ndarray]) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in asked.judged(np.stack(drawn), asked.shown).items()}


def test_true_second_pictures_follow_and_keep_and_unchanged_ones_repeat():
    asked = Asked(some(), np.zeros((12, 4), np.float32), np.random.default_rng(0), 5)
    assert figures(asked, asked.truth) == {"followed": 100, "repeated": 0, "kept": 100}
    assert figures(asked, asked.shown)["repeated"] == 100
    other = [edited(asked.shown[(i + 1) % 12], edit) for i, edit in enumerate(asked.edits)]
    assert figures(asked, other)["kept"] < 75


def readers() -> Readers:
    seen = np.random.default_rng(0).standard_normal((12, 8)).astype(np.float32)
    return Readers(SMALL, some(), {"train": seen})


@pytest.mark.parametrize("dual", [True, False])
def test_guidance_leaves_out_what_was_left_out_in_training(dual: bool):
    made, way = readers(), Way(dual=dual)
    torch.manual_seed(0)
    model = made.model(way)
    marks = made.vocabulary.marks
    found = sequences(made, model, way, some(), np.zeros((12, 8), np.float32), 0)
    contexts: set[tuple[int, ...]] = set()
    for whole in found:
        *before, _, end = whole.pieces
        if int(end.ids[0]) == marks.end and before[-1].ids[-1] == marks.image:
            contexts.add(tuple(piece.modality for piece in before))
    history = made.history(model.image, shown(some())[0], np.zeros(8, np.float32), dual)  # type: ignore[arg-type]
    whole = [made.said("a"), *history, made.said("in grey"), words([marks.image])]
    for text, pictures in ((True, False), (True, True)):
        kept: list[Piece] = [words([marks.start]), *without(whole, text=text, images=pictures)]
        assert tuple(piece.modality for piece in kept) in contexts
    assert any(piece.modality == SEMANTIC for piece in history) == dual


def test_ways_differ_as_they_say():
    made = readers()
    sizes = {name: sum(p.numel() for p in made.model(way).parameters()) for name, way in WAYS.items()}
    assert sizes["1d"] == sizes["sections"] == sizes["single"] == sizes["mogao"] > sizes["shared"]


def test_the_smoke_run():
    if not dataset("fluent-emoji").here:
        pytest.skip("needs `limner data get fluent-emoji`")
    measured = run(RECIPE, "smoke")["figures"]
    wanted = {name for claim in RECIPE.claims for name in (claim.better, claim.worse) if name}
    wanted |= {f"{claim.within}.gain" for claim in RECIPE.claims if claim.within}
    assert wanted <= set(measured)
