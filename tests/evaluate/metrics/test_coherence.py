"""Coherence of images with each other and with their texts, on emoji and their names."""

from __future__ import annotations

import random

import numpy as np
import pytest

from limner.errors import LimnerError
from limner.evaluate.metrics import naming
from limner.evaluate.metrics.alignment import above_others, text_image
from limner.evaluate.metrics.coherence import image_coherence, reference_fit, text_image_coherence
from limner.packages.cachedir import cache_folder
from limner.sources.datasets import dataset

PAIRS = "bundled:limner-pairs"
NAMES = "red apple,racing car,dog,banana,kite,closed book,green heart,umbrella,octopus,guitar,pizza,bicycle".split(",")


@pytest.fixture(scope="module")
def emoji() -> dict[str, bytes]:
    pytest.importorskip("torch")
    pytest.importorskip("emoji")
    for name in ("efficientnet-lite0", "all-minilm-l6-v2"):
        if not (cache_folder("models") / name).is_dir():
            pytest.skip(f"the weights {name} are not here: they come with their first use")
    if not dataset("fluent-emoji").here:
        pytest.skip("needs `limner data get fluent-emoji`")
    from limner.sources.pairs import pairs

    return {pair.text: pair.image for pair in pairs("fluent-emoji")}


def told(emoji: dict[str, bytes], names: list[str], shown: list[str]) -> list[str | bytes]:
    return [part for name, image in zip(names, shown, strict=True) for part in (f"Here is a {name}.", emoji[image])]


def test_images_fit_their_texts_and_not_those_of_others(emoji: dict[str, bytes]):
    right = text_image_coherence(told(emoji, NAMES, NAMES), PAIRS)
    turned = text_image_coherence(told(emoji, NAMES, NAMES[6:] + NAMES[:6]), PAIRS)
    assert right is not None
    assert turned is not None
    assert np.mean([share for share in right.above if share is not None]) > 0.8
    assert np.mean([share for share in turned.above if share is not None]) < 0.6
    assert np.mean(right.cosine) > np.mean(turned.cosine) + 0.1


def test_an_image_that_slid_by_one_is_seen_where_one_side_is_asked(emoji: dict[str, bytes]):
    parts = told(emoji, NAMES, NAMES[1:] + NAMES[:1])
    shares = [text_image_coherence(parts, PAIRS, near=near) for near in ("before", "after")]
    before, after = (np.mean([share for share in fit.above if share is not None]) for fit in shares if fit is not None)
    assert after > 0.8 > 0.6 > before


def test_texts_of_other_answers_make_one_image_comparable(emoji: dict[str, bytes]):
    alone: list[str | bytes] = ["Here is a guitar.", emoji["guitar"]]
    found = text_image_coherence(alone, PAIRS)
    assert found is not None
    assert found.above == (None,)
    among = text_image_coherence(alone, PAIRS, others=[f"Here is a {name}." for name in NAMES if name != "guitar"])
    assert among is not None
    assert among.above[0] is not None
    assert among.above[0] > 0.8


def test_chance_is_a_half(emoji: dict[str, bytes]):
    draw = random.Random(0)
    names = sorted(emoji)
    shares: list[float] = []
    for _ in range(8):
        said, shown = draw.sample(names, 8), draw.sample(names, 8)
        found = text_image_coherence(told(emoji, said, shown), PAIRS)
        assert found is not None
        shares += [share for share in found.above if share is not None]
    assert np.mean(shares) == pytest.approx(0.5, abs=4 * np.std(shares) / len(shares) ** 0.5)


def test_what_cannot_be_read_fits_nothing(emoji: dict[str, bytes]):
    parts: list[str | bytes] = ["Here is a dog.", b"no image", "Here is a kite.", emoji["kite"], "Here is a guitar."]
    found = text_image_coherence(parts, PAIRS)
    assert found is not None
    assert found.cosine[0] == 0.0
    assert found.above[0] == 0.0
    assert text_image_coherence(["Nothing to see."], PAIRS) is None


def test_like_images_are_coherent(emoji: dict[str, bytes]):
    books = image_coherence([emoji[name] for name in ("closed book", "green book", "blue book", "orange book")])
    mixed = image_coherence([emoji[name] for name in ("closed book", "pizza", "octopus", "kite")])
    same = image_coherence([emoji["kite"]] * 3)
    assert books is not None
    assert mixed is not None
    assert same is not None
    assert same.pairs == pytest.approx(1, abs=1e-5)
    assert books.pairs > mixed.pairs + 0.1
    assert image_coherence([emoji["kite"]]) is None


def test_neighbours_are_those_that_follow_each_other(emoji: dict[str, bytes]):
    kite, book = emoji["kite"], emoji["blue book"]
    sorted_, mixed = image_coherence([kite, kite, book, book]), image_coherence([kite, book, kite, book])
    assert sorted_ is not None
    assert mixed is not None
    assert sorted_.pairs == pytest.approx(mixed.pairs, abs=1e-5)
    assert sorted_.neighbours > mixed.neighbours
    broken = image_coherence([kite, b"no image"])
    assert broken is not None
    assert broken.pairs == 0.0


def test_references_are_to_the_image_that_shows_it(emoji: dict[str, bytes]):
    said = "Image 1 shows a guitar. Image 2 shows a dog. Image 3 shows a pizza. Image 4 shows a kite."
    shown = [emoji[name] for name in ("guitar", "dog", "pizza", "kite")]
    right, wrong = reference_fit([said, *shown], PAIRS), reference_fit([said, *shown[1:], shown[0]], PAIRS)
    assert right is not None
    assert wrong is not None
    assert right > 0.8
    assert right > wrong + 0.3
    assert reference_fit([said, shown[0]], PAIRS) is None


def test_scores_of_pairs_are_two_and_a_half_cosines(emoji: dict[str, bytes], monkeypatch: pytest.MonkeyPatch):
    from limner.corpus.pixels import thumbnail
    from limner.experts.encoder import encoder

    images, texts = [thumbnail(emoji[name], 128) for name in NAMES[:3]], [f"a {name}" for name in NAMES[:3]]
    joint = encoder(PAIRS)
    wanted = 2.5 * np.clip((joint.embed_images(images) * joint.embed_texts(texts)).sum(1), 0, None)
    assert text_image(images, texts, PAIRS) == pytest.approx(wanted.tolist(), abs=1e-5)
    assert text_image([], [], PAIRS) == []
    monkeypatch.setitem(naming.STANDARD, "text-image", ("CLIPScore", frozenset({PAIRS})))
    depicted = joint.embed_texts([f"A photo depicts {text}" for text in texts])
    wanted = 2.5 * np.clip((joint.embed_images(images) * depicted).sum(1), 0, None)
    assert text_image(images, texts, PAIRS) == pytest.approx(wanted.tolist(), abs=1e-5)
    with pytest.raises(LimnerError, match="have 1 texts"):
        text_image(images, ["a"], PAIRS)


def test_shares_of_others_count_ties_half():
    assert above_others(np.array([[0.3, 0.1, 0.3, 0.5]]), [0]) == [pytest.approx(0.5)]
    with pytest.raises(LimnerError, match="another one"):
        above_others(np.array([[0.3]]), [0])
