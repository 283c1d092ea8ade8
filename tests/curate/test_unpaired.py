"""Images and sentences as two heaps: what is kept, what repeats another, what is drawn."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from limner.curate.unpaired import Rules, around, distinct, found, levelled, same
from limner.document import Document, Image, Text
from limner.experts.encoder import unit


def test_images_go_that_are_small_long_or_of_unknown_size():
    sizes = {(640, 480): True, (100, 300): True, (100, 301): False, (99, 120): False, (0, 0): False}
    assert {size: Rules().image(Image(0, width=size[0], height=size[1])) for size in sizes} == sizes


def test_sentences_go_that_are_no_prose():
    kept = {
        "The filter softens the whole layer.": True,
        "Too short.": False,
        " ".join(["word"] * 82): False,
        "Write to someone@example.org for help with it.": False,
        "We like this filter \U0001f600 very much.": False,
        "x[0] += 2 * (y - 1) / 3.14": False,
    }
    assert {sentence: Rules().sentence(sentence) for sentence in kept} == kept


def test_sentences_are_found_in_prose_and_lists_and_not_in_captions():
    assert list(found(Text(0, "Open  the menu.\nThen pick a tool."))) == ["Open the menu.", "Then pick a tool."]
    assert list(found(Text(0, "- Open the menu.\n1. Pick it.", role="list"))) == ["Open the menu.", "Pick it."]
    assert list(found(Text(0, "A menu.", role="caption"))) == []


def test_texts_around_an_image_are_the_nearest_of_prose():
    parts = (
        Text(0, "far"),
        Text(1, "before"),
        Text(2, "x = 1", role="code"),
        Image(3),
        Text(4, "a caption", role="caption", of=3),
        Text(5, "after"),
    )
    before, after = around(Document("d", parts), 3)
    assert before
    assert after
    assert (before.text, after.text) == ("before", "after")
    assert around(Document("d", (Image(0),)), 0) == (None, None)


def test_sentences_that_differ_in_figures_and_case_are_the_same():
    assert same("Figure 3 shows it.") == same("FIGURE 12 shows it") != same("Figure 3 hides it.")


def test_of_rows_alike_the_first_stays():
    draw = np.random.default_rng(0)
    first = unit(draw.standard_normal((1_500, 32)).astype(np.float32))
    again = unit((first[:700] + 0.01 * draw.standard_normal((700, 32))).astype(np.float32))
    assert distinct(np.concatenate([first, again]), 0.98).tolist() == list(range(1_500))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(1, 60), st.integers(0, 3))
def test_levelled_groups_differ_by_one_at_most_except_where_one_is_exhausted(groups: list[int], wanted: int, seed: int):
    chosen = levelled(groups, wanted, seed)
    assert len(chosen) == len(set(chosen.tolist())) == min(wanted, len(groups))
    taken = {g: sum(groups[i] == g for i in chosen) for g in set(groups)}
    assert all(taken[g] >= max(taken.values()) - 1 or taken[g] == groups.count(g) for g in taken)


def test_another_seed_draws_others():
    groups = [0] * 100
    assert levelled(groups, 10, 0).tolist() != levelled(groups, 10, 1).tolist()
