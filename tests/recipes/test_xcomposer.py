"""The recipe that places images: what it learns is what authors do, and its comparisons count what they say."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from limner.corpus.media import sha256
from limner.document import Document, Image, Part, Text
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.recipes.xcomposer import _f1, _first, _nearest, _split
from limner.sources.datasets import dataset
from limner.write.places import Article, article, best_threshold, content, example, gaps, learn

NOUNS = "apple boat chair door egg fish goat hill ice jar key lamp moon nest oak pen queen road ship tree".split()


def written(i: int, chance: random.Random, before: bool) -> Document:
    """A document of sections about one thing each; the picture of a thing stands right after its heading, or after its last paragraph."""
    parts: list[Part] = [Text(0, f"Things {i}", "heading", 1), Text(1, "All of them are below and above.")]
    for noun in chance.sample(NOUNS, 4):
        section: list[Part] = [
            Text(0, f"The {noun}", "heading", 2),
            Text(0, f"Here somebody writes at length about the {noun} and what it is for."),
            Text(0, "Nobody knows anything else of it."),
        ]
        shown = [
            Image(0, ref=sha256(f"{i}-{noun}".encode()), width=90, height=90),
            Text(0, f"Figure {i}. A picture of the {noun}", "caption"),
        ]
        at = 1 if before else 3
        section[at:at] = shown
        for part in section:
            n = len(parts)
            caption = isinstance(part, Text) and part.role == "caption"
            parts.append(replace(part, n=n, of=n - 1) if caption else replace(part, n=n))
    return Document(f"d{i}", tuple(parts), title=f"Things {i}", language="en")


def corpus(before: bool, count: int = 12) -> list[Article]:
    chance = random.Random(7)
    found = [article(written(i, chance, before)) for i in range(count)]
    assert all(found)
    return [a for a in found if a]


def test_images_and_captions_are_taken_out_and_numbers_of_figures_with_them():
    (a,) = corpus(True, 1)
    assert [text.role for text in a.texts].count("caption") == 0
    assert len(a.images) == 4
    assert all(words.startswith("A picture of the ") for words in a.words)
    assert all(a.texts[at].role == "heading" for at in a.places)
    assert gaps(a).shape[0] == len(a.texts)
    assert content(a, a.words).shape[:2] == (len(a.texts), 4)


def test_a_gallery_and_a_text_without_pictures_are_no_articles():
    images = tuple(Image(i, ref=sha256(b"%d" % i), alt=f"words {i}", width=90, height=90) for i in range(1, 9))
    assert article(Document("d", (Text(0, "One"), *images))) is None
    assert article(Document("d", tuple(Text(i, "One") for i in range(9)))) is None


@pytest.mark.parametrize("before", [True, False])
def test_a_habit_is_learnt_and_holds_in_other_documents(before: bool):
    articles = corpus(before)
    examples = [example(a) for a in articles]
    strangers = [content(a, articles[i - 1].words) for i, a in enumerate(articles)]
    habit = learn(examples[:8], strangers[:8])
    for e, other in zip(examples[8:], strangers[8:], strict=True):
        assert (habit.places(e.gap, e.both) == e.places).all()
        assert (_nearest(e.both).argmax(axis=0) == e.places).mean() < 1 or before
        chosen = np.concatenate([e.both, other], axis=1)
        assert all(habit.choose(chosen)[at].argmax() == c for c, at in enumerate(e.places) if chosen[at, c].max() > 0)
        assert _f1(habit.spots(e.gap) > habit.least, np.isin(np.arange(len(e.gap)), e.places)) > 0.8


def test_a_threshold_is_where_f1_is_greatest():
    scores = np.array([0.9, 0.8, 0.7, 0.2, 0.1], np.float32)
    truth = np.array([True, False, True, False, False])
    least = best_threshold(scores, truth)
    assert 0.2 < least < 0.7


def test_ties_count_their_share_and_splits_share_nothing():
    assert _first(np.zeros(4)) == 0.25
    held, kept = _split(10, 0.4, 3)
    assert sorted(held + kept) == list(range(10))
    assert len(held) == 4
    assert _split(10, 0.4, 4)[0] != held


def test_a_smoke_run_measures_all_it_names():
    if not dataset("sasview").here:
        pytest.skip("the sasview pages are not here: limner data get sasview")
    result = run(recipe("xcomposer"), "smoke")
    for way in ("own", "nearest", "random"):
        assert 0 <= result["figures"][f"sasview.place.{way}"]["mean"] <= 100
    assert result["figures"]["sasview.choice.random"]["mean"] < result["figures"]["sasview.choice.nearest"]["mean"]
