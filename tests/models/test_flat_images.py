"""Images as lines of ids: what was written is read again, shapes that codes alone confuse are told apart, what is no image is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.errors import LimnerError
from limner.models.flat_images import FlatImages

FLAT = FlatImages(20, entries=9, most=5)
SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 5))


def image(shape: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(9, size=shape)


@given(SHAPES, st.integers(0, 99))
def test_what_was_written_is_read_again(shape: tuple[int, int], seed: int):
    ids = FLAT.ids(image(shape, seed))
    assert all(20 <= id < 20 + FLAT.size for id in ids)
    assert ids[:2] == FLAT.opening(*shape)
    found = FLAT.codes(ids)
    assert found is not None
    assert np.array_equal(found, image(shape, seed))


def test_shapes_that_have_the_same_codes_are_told_apart():
    line = np.arange(6)
    marked, plain = (
        [flat.ids(line.reshape(shape)) for shape in ((2, 3), (3, 2))] for flat in (FLAT, FlatImages(20, 9, 5, False))
    )
    assert plain[0] == plain[1]
    assert marked[0] != marked[1]


@given(SHAPES, st.integers(0, 99), st.data())
def test_an_image_with_an_id_too_many_too_few_or_out_of_place_is_none(shape: tuple[int, int], seed: int, data: st.DataObject):
    ids = FLAT.ids(image(shape, seed))
    at = data.draw(st.integers(2, len(ids) - 1))
    assert FLAT.codes(ids[:at] + ids[at + 1 :]) is None
    assert FLAT.codes([*ids[:at], 20, *ids[at:]]) is None
    wrong = 20 if ids[at] == FLAT.row_end else FLAT.row_end
    assert FLAT.codes([*ids[:at], wrong, *ids[at + 1 :]]) is None
    assert FLAT.codes([*ids[:at], 3, *ids[at + 1 :]]) is None  # a word


def test_shapes_without_ids_are_refused():
    with pytest.raises(LimnerError, match="6 x 1"):
        FLAT.opening(6, 1)
    assert FLAT.codes([]) is None
