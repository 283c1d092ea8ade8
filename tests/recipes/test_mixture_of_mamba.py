"""The recipe mixture-of-mamba: tokens say what they were made of, curves are compared as said, the smoke run measures all of a setting."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

import torch

from limner.errors import LimnerError
from limner.models.interleaved import Marks
from limner.models.mamba import PROJECTIONS
from limner.models.sequence import IMAGE, Piece, Sequence, collate, words
from limner.recipes import mixture_of_mamba
from limner.recipes.mixture_of_mamba import RECIPE, SPEECH, Settings, Task, reached, told
from limner.recipes.run import run
from limner.recipes.untrained import Means, PatchCodes, Patches, PatchVectors, spectrum
from limner.sources.datasets import dataset
from limner.train.speed import operations

torch.set_num_threads(1)


def shown(count: int = 30) -> list[np.ndarray]:
    """Pictures of four colours in squares."""
    draw = np.random.default_rng(0)
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], np.uint8)
    return [np.kron(colours[draw.integers(4, size=(4, 4))], np.ones((4, 4, 1), np.uint8)) for _ in range(count)]


def test_patches_are_shown_as_they_were_taken():
    given = shown()
    patches = Patches(given, patch=4, channels=3)
    for form in (PatchVectors(patches), PatchCodes(patches, entries=4)):
        found = form.encoded(given[0])
        assert found.shape[:2] == (4, 4)
        assert np.abs(form.decoded(found).astype(int) - given[0]).max() <= 2
    vectors = np.concatenate([PatchVectors(patches).encoded(picture).reshape(-1, 3) for picture in given])
    assert vectors.std(0) == pytest.approx(np.ones(3), abs=0.05)


def test_means_are_those_of_rows_and_as_many_as_there_may_be():
    rows = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    means = Means.of(rows, 3)
    assert len(set(means(rows)[::5].tolist())) == 3
    assert np.allclose(means.entries_VC[means(rows)], rows)
    with pytest.raises(LimnerError, match="no 16 means"):
        Means.of(rows, 16)


def test_a_tone_is_loud_where_it_is():
    at = np.arange(16_000) / 16_000
    low, high = (spectrum(np.concatenate([np.zeros(8_000), np.sin(2 * np.pi * f * at)]).astype(np.float32)) for f in (300, 3_000))
    assert len(low) == (24_000 - 1024) // 640 + 1
    assert low[-1].argmax() < high[-1].argmax()
    assert spectrum(np.zeros(10, np.float32)).shape == (1, 32)


@pytest.mark.parametrize(
    ("dense", "other", "share"),
    [
        ([4, 3, 2], [4, 3, 2], 100.0),
        ([4, 3, 2], [2, 1, 1], 100 / 3),
        ([4, 3, 2], [3, 1, 1], 50.0),  # half-way between the first point and the second
        ([3, 1, 1], [4, 3, 2], 200.0),
    ],
)
def test_how_much_a_loss_takes_is_read_off_curves(dense: list[float], other: list[float], share: float):
    assert reached(dense, other) == pytest.approx(share)


def task(modalities: int = 3) -> Task:
    draw = np.random.default_rng(1)

    def sequence() -> Sequence:
        image = Piece(50 + draw.integers(10, size=16), IMAGE, 1.0, 4, 4)
        said = Piece(60 + draw.integers(10, size=9), SPEECH)
        return Sequence(
            (words([0], 0.0), words(draw.integers(4, 50, size=12)), words([2]), image, words([3], 0.0), said, words([1]))
        )

    made = tuple(sequence() for _ in range(8))
    return Task(made, made, Marks(0, 1, 2, 3), 70, modalities, codes=(PatchCodes(Patches(shown(), 4, 3), 4), 50))


def test_held_out_losses_are_of_the_modality_that_is_told():
    given = task()
    model = given.model(Settings(width=16, layers=1, state=4), PROJECTIONS)
    batch = collate(given.held)
    with torch.no_grad():
        logits = model.logits(model.states(batch))
    wanted: dict[str, list[float]] = {}
    for t in range(len(batch) - 1):
        if batch.labels_T[t] >= 0:
            label = int(batch.labels_T[t])
            kind = "text" if label < 50 else "image" if label < 60 else "speech"
            wanted.setdefault(kind, []).append(-float(logits[t].log_softmax(0)[label]))
    found = told(model, [batch])
    assert set(found) == {"text", "image", "speech"}
    for name, losses in wanted.items():
        assert found[name] == pytest.approx(np.mean(losses), rel=1e-4)


def test_a_mixture_takes_the_flops_of_the_dense_model():
    given, settings = task(), Settings(width=16, layers=2, state=4)
    batch = collate(given.held)
    dense, mixture = (given.model(settings, apart) for apart in ((), PROJECTIONS))
    assert operations(lambda: dense(batch)) == operations(lambda: mixture(batch))
    assert sum(p.numel() for p in mixture.parameters()) > sum(p.numel() for p in dense.parameters())


def test_the_smoke_run():
    if not dataset("tuxpaint-stamps").here:
        pytest.skip("needs `limner data get tuxpaint-stamps`")
    pytest.importorskip("av")
    mixture_of_mamba.tasks.cache_clear()
    result = run(RECIPE, "smoke")
    wanted = {name for claim in RECIPE.claims for name in (claim.better, claim.worse) if name.startswith("three.")}
    assert wanted
    assert wanted <= set(result["figures"])
