"""The recipe align: noise is composed as said, recall counts what it says, the smoke run measures all claims that its data allow."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from limner.experts.encoder import unit
from limner.recipes import align
from limner.recipes.align import Read, _recall, _trained
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.sources.datasets import dataset
from limner.sources.pairs import Pair, part


def read(count: int = 300) -> Read:
    names = [f"thing {n}" for n in range(count)]
    draw = np.random.default_rng(0)
    images = draw.standard_normal((count, 20)).astype(np.float32)
    texts = draw.standard_normal((count, 10)).astype(np.float32)
    return Read("set", tuple(Pair(b"", name, name, "set") for name in names), images, (texts,), (images, texts))


def test_recall_is_of_the_part_that_is_asked():
    given = read()
    at = given.part("test")
    assert [part(given.pairs[i].concept) for i in at] == ["test"] * len(at)
    same = unit(given.images)
    found = _recall((same, same), given, "test")
    assert found["text.1"] == found["image.1"] == 100
    turned = _recall((same, np.roll(same, 1, axis=0)), given, "test")
    assert turned["text.1"] < 10


@pytest.mark.parametrize(("size", "noise"), [(1.0, 0.0), (0.25, 0.5)])
def test_a_share_of_the_captions_is_shuffled(monkeypatch: pytest.MonkeyPatch, size: float, noise: float):
    given, seen = read(), {}

    def train(images, texts, concepts, training, seed):
        seen.update(images=images, texts=texts[0], concepts=concepts)

    monkeypatch.setattr(align, "train", train)
    rows = given.part("train")
    _trained([given], {"set": rows}, size, noise, 1, 0)
    count = round(size * len(rows))
    assert len(seen["images"]) == len(seen["concepts"]) == count
    place = {row.tobytes(): i for i, row in enumerate(given.images)}
    right = [np.array_equal(given.texts[0][place[i.tobytes()]], t) for i, t in zip(seen["images"], seen["texts"], strict=True)]
    assert count - sum(right) == round(noise * count)


def test_the_smoke_run():
    pytest.importorskip("emoji")
    for name in ("fluent-emoji", "noto-emoji"):
        if not dataset(name).here:
            pytest.skip(f"needs `limner data get {name}`")
    result = run(recipe("align"), "smoke")
    assert {"grid.1.0", "grid.0.25.0.5", "fluent-emoji.pairs.text.10", "added.both.10"} <= set(result["figures"])
