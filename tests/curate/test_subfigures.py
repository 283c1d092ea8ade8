"""Captions and pictures of figures with parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.curate.subfigures import panels, subcaptions


@pytest.mark.parametrize(
    ("caption", "labels"),
    [
        ("Fig. 1 (a) One. (b) Two. (c) Three.", "abc"),
        ("a) One; b) two", "ab"),
        ("Maps of (b) sinks and (a) sources", ""),
        ("As shown in (a), nothing else", ""),
        ("f(a) and f(b) are equal", ""),
    ],
)
def test_captions_are_cut_at_labels_in_order(caption, labels):
    assert "".join(label for label, _ in subcaptions(caption)) == labels


def grid(rows: int, columns: int, gap: int, size: int = 40) -> np.ndarray:
    made = np.full((rows * size + (rows - 1) * gap + 8, columns * size + (columns - 1) * gap + 8, 3), 255, np.uint8)
    for r in range(rows):
        for c in range(columns):
            top, left = 4 + r * (size + gap), 4 + c * (size + gap)
            made[top : top + size, left : left + size] = (10 * r, 60 * c, 90)
    return made


@given(st.integers(1, 3), st.integers(1, 3), st.integers(12, 30))
def test_every_panel_of_a_grid_is_found_in_the_order_of_reading(rows, columns, gap):
    found = panels(grid(rows, columns, gap))
    if 2 <= rows * columns <= 8:
        assert len(found) == rows * columns
        assert found[0].left <= 4
        assert found[-1].right >= found[0].right
        assert [p.left for p in found[:columns]] == sorted(p.left for p in found[:columns])
    else:
        assert len(found) == 1


def test_a_picture_without_blank_strips_and_an_empty_one_are_one_panel():
    assert len(panels(np.zeros((50, 70, 3), np.uint8))) == 1
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    assert [tuple(p) for p in panels(noise)] == [(0, 0, 60, 60)]
