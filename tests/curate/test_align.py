"""The assignment of images to texts: exact on small matrices, and through an encoder of colours."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from limner.curate.align import Align, assign, sentences
from limner.document import Document, Image, Text
from limner.experts import address

from .colours import ColourEncoder, flat
from .context import MemoryContext


@pytest.fixture(autouse=True)
def _colours():
    address.register("encoder", "colours")(lambda rest: ColourEncoder())
    yield
    del address._registered["encoder", "colours"]
    address.resolve.cache_clear()


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=st.floats(-1, 1, width=16)))
@settings(max_examples=80)
def test_no_other_assignment_has_a_greater_sum(similarity):
    pairs = assign(similarity)
    images, texts = similarity.shape
    assert len(pairs) == min(images, texts)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    wide = similarity if images <= texts else similarity.T
    best = max(
        sum(wide[i, column] for i, column in enumerate(columns)) for columns in permutations(range(wide.shape[1]), wide.shape[0])
    )
    assert sum(similarity[row, column] for row, column in pairs) == pytest.approx(best)


def test_nothing_to_assign():
    assert assign(np.empty((0, 3))) == assign(np.empty((3, 0))) == []


def document(context: MemoryContext, colours: list[str], *texts: str) -> Document:
    images = tuple(Image(i, ref=context.put(flat(colour)).ref) for i, colour in enumerate(colours))
    return Document("d", (*images, *(Text(10 + i, text) for i, text in enumerate(texts))))


def aligned(context: MemoryContext) -> dict[int, str]:
    return {n: reason.detail for _, n, reason in context.notes if reason.reason == "aligned"}


def test_images_go_to_the_sentences_that_name_them():
    context = MemoryContext()
    page = document(context, ["blue", "red"], "Here is red. And then green.", "This one is blue. The end.")
    (left,) = Align("colours:x").batch([page], context)
    assert left == page
    assert aligned(context) == {0: "11#0", 1: "10#0"}
    assert all(reason.value == pytest.approx(1, abs=0.01) for _, _, reason in context.notes)


def test_two_images_that_want_the_same_text_share_out_for_the_best_sum():
    context = MemoryContext()
    # Magenta fits "red" less than red does, and nothing else at all.
    page = document(context, ["magenta", "red"], "Something red.", "Yellow and red things.")
    list(Align("colours:x", threshold=0.1, unit="paragraph").batch([page], context))
    assert aligned(context) == {0: "10", 1: "11"}


def test_an_image_that_fits_nothing_goes():
    context = MemoryContext()
    page = document(context, ["blue", "yellow"], "All in blue.")
    (left,) = Align("colours:x", threshold=0.5).batch([page], context)
    assert [image.n for image in left.images] == [0]
    ((_, n, reason),) = context.dropped
    assert (n, reason.reason, reason.threshold) == (1, "image-unaligned", 0.5)
    assert reason.value == pytest.approx(-1, abs=0.02)


def test_more_images_than_texts_share_the_text_they_suit_best():
    context = MemoryContext()
    page = document(context, ["red", "red", "red"], "Red.")
    (left,) = Align("colours:x").batch([page], context)
    assert len(left.images) == 3
    assert set(aligned(context)) == {0, 1, 2}


def test_what_is_not_stored_or_not_decodable_is_left_alone():
    context = MemoryContext()
    parts = (Image(0, url="a.png"), Image(1, ref=context.put(b"no image").ref), Text(2, "Red."))
    page = Document("d", parts)
    empty = Document("e", (Image(0, ref=context.put(flat("red")).ref),))
    assert list(Align("colours:x").batch([page, empty], context)) == [page, empty]
    assert context.dropped == context.notes == []


def test_roles_that_are_not_asked_for_are_not_matched():
    context = MemoryContext()
    page = Document("d", (Image(0, ref=context.put(flat("red")).ref), Text(1, "red", role="code"), Text(2, "Blue.")))
    assert list(Align("colours:x").batch([page], context)) == [page.without({0})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two? Three!", ["One.", "Two?", "Three!"]),
        ("Version 2.10 is out. Get it.", ["Version 2.10 is out.", "Get it."]),
        ("He said “no.” Then left.", ["He said “no.”", "Then left."]),
        ("一つ。二つ！三つ", ["一つ。", "二つ！", "三つ"]),
        ("- a\n- b", ["- a", "- b"]),
        ("  ", []),
    ],
)
def test_sentences(text, expected):
    assert sentences(text) == expected


@given(st.text())
def test_sentences_lose_nothing_but_space(text):
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
