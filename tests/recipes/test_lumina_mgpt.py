"""The recipe lumina-mgpt: pictures keep their proportions, sequences say what their task is, the smoke run measures all claims."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")
pytest.importorskip("emoji")

import torch

from limner.models.sequence import Sequence, collate
from limner.recipes import lumina_mgpt
from limner.recipes.lumina_mgpt import RECIPE
from limner.recipes.run import run
from limner.recipes.shapes import PATCH, TASKS, Drawn, Shown, Writer, fitted, shape_of, silhouette
from limner.sources.datasets import dataset

torch.set_num_threads(1)


def disc(rows: int, columns: int) -> np.ndarray:
    """A red disc on white in the middle of a picture."""
    down, across = np.mgrid[:rows, :columns]
    inside = (down - rows / 2) ** 2 + (across - columns / 2) ** 2 < (min(rows, columns) / 3) ** 2
    return np.where(inside[:, :, None], [220, 30, 30], 255).astype(np.uint8)


def some() -> Shown:
    sizes = [(20, 20), (20, 40), (40, 20), (24, 36)]
    return Shown(tuple(f"disc {i}" for i in range(len(sizes))), tuple(disc(*size) for size in sizes))


@pytest.mark.parametrize(("size", "shape"), [((50, 50), (6, 6)), ((100, 50), (8, 4)), ((50, 100), (4, 8)), ((50, 150), (3, 9))])
def test_a_picture_gets_the_shape_that_is_nearest_to_its_own(size: tuple[int, int], shape: tuple[int, int]):
    assert shape_of(disc(*size), 36) == shape
    assert fitted(disc(*size), shape).shape == (PATCH * shape[0], PATCH * shape[1], 3)


def test_a_silhouette_is_of_what_is_not_white():
    found = silhouette(disc(30, 30))
    assert set(np.unique(found)) == {0, 255}
    assert (found[15, 15] == 0).all()
    assert (found[0, 0] == 255).all()


def test_all_tasks_are_told_apart_by_what_comes_before_what_is_asked():
    writer = Writer(Drawn(16, 4, 6, 300), some())
    codes, mask = (writer.code(picture, 16) for picture in (disc(20, 40), silhouette(disc(20, 40))))
    assert codes.shape == mask.shape == (2, 5) or codes.shape[0] < codes.shape[1]
    for task in TASKS:
        whole = writer.task(task, "a disc", codes, mask)
        ids = np.concatenate([piece.ids for piece in whole.pieces]).tolist()
        images = ids.count(writer.vocabulary.marks.image)
        assert images == (2 if task in ("mask", "fill") else 1)
        at = ids.index(writer.vocabulary.marks.image) + 1
        first = writer.flat.codes(ids[at : ids.index(writer.vocabulary.marks.closed)])
        assert first is not None
        assert np.array_equal(first, mask if task == "fill" else codes)


def test_only_codes_count_where_marks_do_not():
    writer = Writer(Drawn(16, 4, 6, 300), some())
    codes = writer.code(disc(20, 20), 16)
    batch = collate([Sequence((writer.start(), *writer.image(codes, marks=0.0)))])
    labels = batch.labels_T[batch.labels_T >= 0].numpy()
    assert np.array_equal(labels - writer.flat.first, codes.reshape(-1))


def test_the_smoke_run():
    if not dataset("fluent-emoji").here:
        pytest.skip("needs `limner data get fluent-emoji`")
    lumina_mgpt.material.cache_clear()
    figures = run(RECIPE, "smoke")["figures"]
    wanted = {name for claim in RECIPE.claims for name in (claim.better, claim.worse) if name}
    wanted |= {f"{claim.within}.gain" for claim in RECIPE.claims if claim.within}
    assert wanted <= set(figures)
