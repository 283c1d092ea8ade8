"""The recipe realsyn: nothing of a held-out document is trained on, recall counts what it says, the smoke run measures what its data allow."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from limner.experts.encoder import unit
from limner.recipes import realsyn
from limner.recipes.heaps import Heaps, Shown, dealt
from limner.recipes.pairing import by_group, ranks
from limner.recipes.realsyn import Settings, _searched, run
from limner.recipes.recipe import recipe
from limner.recipes.run import run as run_recipe
from limner.search.hierarchy import Hierarchy
from limner.sources.datasets import dataset


def heap(count: int = 200) -> Heaps:
    """Images of fifty documents, each beside a sentence of its own that is like it."""
    draw = np.random.default_rng(0)
    images = unit(draw.standard_normal((count, 24)).astype(np.float32))
    texts = unit((images + 0.05 * draw.standard_normal((count, 24))).astype(np.float32))
    shown = tuple(
        Shown(f"document {n % 50}", "kind", f"thing number {n}", f"before {n}", True, (), (f"class {n % 7}",))
        for n in range(count)
    )
    trained = np.array([dealt(each.document) == "train" for each in shown])
    beside = tuple(np.array([n]) for n in range(count))
    sentences = tuple(f"sentence {n}" for n in range(count))
    return Heaps(shown, sentences, trained, beside, images, images, texts, texts, texts, texts, {"images.read": count})


@pytest.mark.parametrize("part", ["train", "tune", "test"])
def test_documents_are_dealt_out_whole(part: str):
    given = heap()
    here = {given.images[i].document for i in given.at(part)}
    assert here == {each.document for each in given.images if dealt(each.document) == part} != set()


def test_training_sees_images_and_sentences_of_training_documents_only(monkeypatch: pytest.MonkeyPatch):
    given = heap()
    allowed = {row.tobytes() for row in given.rows[given.trained]}
    own = {row.tobytes() for row in given.features[given.at("train")]}
    seen: list[int] = []

    def train(images, wordings, same_text, training, seed):
        assert {row.tobytes() for row in images} <= own
        assert all({row.tobytes() for row in wording} <= allowed for wording in wordings)
        assert all(len(wording) == len(images) == len(same_text) for wording in wordings)
        seen.append(len(images))
        return (lambda x: x, lambda x: x)

    monkeypatch.setattr(realsyn, "train", train)
    monkeypatch.setattr(realsyn, "_read", lambda settings: (given, {}))
    settings = Settings(data=(), steps=(1,), probes=(1, 8), probe=1, writer="", encoder="none:here")
    figures = {m.name: m.value for m in run(settings, 0)}
    assert seen == [len(own)] * 6 + [round(settings.share * len(own))] * 2
    assert figures["docs.real"] == 100
    assert figures["alike.pixels"] > figures["alike.chance"]


def test_the_sentence_beside_an_image_is_found_among_fewer():
    given = heap()
    at, pool = given.at("train"), np.flatnonzero(given.trained)
    found = {
        m.name: m.value for m in _searched("x", given, at, pool, given.seen[at], Hierarchy.grown(given.joint[pool], 8), (1, 8))
    }
    assert found["x.beside.8.flat"] == found["x.beside.8.hierarchy"] == found["x.found.8"] == 100
    assert found["x.beside.1.hierarchy"] > 90
    assert found["x.compared.1"] < found["x.compared.8"]


def test_ranks_count_wrong_pictures_alone():
    images = np.eye(4, dtype=np.float32)
    assert ranks(images, images, ("a", "b", "c", "d")).tolist() == [0, 0, 0, 0]
    assert ranks(np.roll(images, 1, axis=0), images, ("a", "b", "c", "d")).tolist() == [1, 1, 1, 1]
    # Both pictures of a name are right for it.
    assert ranks(images[[1, 0, 2]], images[:3], ("a", "a", "c")).tolist() == [0, 0, 0]


def test_a_group_counts_once():
    assert by_group(np.array([1, 1, 0, 4], np.float32), ("a", "a", "a", "b")).tolist() == pytest.approx([2 / 3, 4])


def test_the_smoke_run():
    if not dataset("sasview").here:
        pytest.skip("needs `limner data get sasview`")
    figures = run_recipe(recipe("realsyn"), "smoke")["figures"]
    assert {"pixels.found.4", "words.compared.1", "docs.real-before.gain", "balance.classes.levelled"} <= set(figures)
    assert figures["sentences.used"]["mean"] == 300
    assert figures["images.read"]["mean"] > figures["images.sized"]["mean"] > figures["images.told"]["mean"]
