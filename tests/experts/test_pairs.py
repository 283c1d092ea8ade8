"""Pairs of pictures and names, the towers that are trained on them, and the joint encoder that comes of it."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from limner.errors import ExpertError
from limner.experts.encoder import encoder
from limner.experts.pairs.towers import Tower, load, save
from limner.packages.cachedir import cache_folder
from limner.sources.datasets import dataset
from limner.sources.pairs import part


def features(seed: int = 0, count: int = 400) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Of 80 concepts, five images and texts of each: two views of what is common, with noise."""
    draw = np.random.default_rng(seed)
    hidden = np.random.default_rng(9).standard_normal((80, 12))
    number = np.arange(count) % 80
    views = [np.random.default_rng(n).standard_normal((12, width)) for n, width in ((1, 60), (2, 40))]
    images, texts = (
        (hidden[number] @ view + 0.5 * draw.standard_normal((count, view.shape[1]))).astype(np.float32) for view in views
    )
    return images, texts, [str(n) for n in number]


def trained(**given: int) -> tuple[Tower, Tower]:
    pytest.importorskip("torch")
    from limner.experts.pairs.training import Training, train

    images, texts, concepts = features()
    seen = np.array([int(c) < 60 for c in concepts])
    return train(
        images[seen],
        [texts[seen]],
        [c for c, s in zip(concepts, seen, strict=True) if s],
        Training(**{"components": 30, "width": 16, "hidden": 64, "steps": 300, "batch": 64, **given}),
    )


def test_concepts_that_were_not_trained_on_are_found():
    one, two = trained()
    images, texts, concepts = features(seed=5)
    new = np.array([int(c) >= 60 for c in concepts])
    names = np.array(concepts)[new]
    scores = two(texts[new]) @ one(images[new]).T
    right = names[scores.argmax(axis=1)] == names
    assert right.mean() > 0.5, "one in twenty by chance"
    assert np.allclose(np.linalg.norm(one(images), axis=1), 1, atol=1e-5)


def test_a_seed_trains_the_same_towers():
    images = features()[0]
    (one, _), (again, _) = trained(steps=20), trained(steps=20)
    assert np.array_equal(one(images), again(images))


def test_towers_in_a_file_are_the_towers(tmp_path: Path):
    one, two = trained(steps=20)
    save(tmp_path / "towers.npz", one, two)
    same, other = load(tmp_path / "towers.npz")
    images, texts, _ = features()
    assert np.allclose(same(images), one(images), atol=5e-3)
    assert np.allclose(other(texts), two(texts), atol=5e-3)


def test_a_file_that_holds_objects_is_not_unpickled(tmp_path: Path):
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return ran.write_text, ("x",)

    np.savez(tmp_path / "evil.npz", **{"images.mean": np.array([Evil()], object)})
    (tmp_path / "plain").write_bytes(pickle.dumps(Evil()))
    ran.unlink(missing_ok=True)
    for name in ("evil.npz", "plain", "none"):
        with pytest.raises(ExpertError, match="has no towers"):
            load(tmp_path / name)
    assert not ran.exists()


def test_parts_hold_their_shares():
    counts = dict.fromkeys(("train", "tune", "test"), 0)
    for n in range(4_000):
        counts[part(f"concept {n}")] += 1
    assert 0.77 < counts["train"] / 4_000 < 0.83
    assert 0.12 < counts["test"] / 4_000 < 0.18


@pytest.mark.parametrize("name", ["fluent-emoji", "noto-emoji", "openclipart"])
def test_pairs_say_what_they_show(name: str):
    if name.endswith("emoji"):
        pytest.importorskip("emoji")
    if not dataset(name).here:
        pytest.skip(f"needs `limner data get {name}`")
    from limner.sources.pairs import pairs

    found = {pair.text: pair for _, pair in zip(range(1_500), pairs(name), strict=False)}
    assert len(found) > 500
    if name != "openclipart":
        assert found["red apple"].concept == "red apple"
    else:
        assert {"animals", "buildings"} <= {pair.group for pair in found.values()}


def test_the_encoder_that_comes_with_limner():
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    for name in ("efficientnet-lite0", "all-minilm-l6-v2"):
        if not (cache_folder("models") / name).is_dir():
            pytest.skip(f"the weights {name} are not here: they come with their first use")
    joint = encoder("bundled:limner-pairs")
    colours = {"red": (230, 20, 20), "blue": (20, 40, 230)}
    images = joint.embed_images([np.full((96, 96, 3), colour, np.uint8) for colour in colours.values()])
    texts = joint.embed_texts([f"{name} square" for name in colours])
    assert images.shape == texts.shape == (2, 256)
    assert np.allclose(np.linalg.norm(images, axis=1), 1, atol=1e-4)
    assert (texts @ images.T).argmax(axis=1).tolist() == [0, 1]
    assert joint.embed_images([]).shape == (0, 256)
    assert joint.embed_images([np.zeros((1, 400, 3), np.uint8)]).shape == (1, 256)
