"""Trees by hand."""

import numpy as np
import pytest

from limner.sources.html.trees import Trees

HALF = {
    # One tree asks for column 1, then for column 0 on both sides; the other, never for anything.
    "feature": np.array([[1, 0, 0], [0, 0, 0]], np.int8),
    "threshold": np.array([[0.5, 2, 3], [np.inf, np.inf, np.inf]], np.float32),
    "leaf": np.array([[-1, -2, 3, 4], [0.25, 9, 9, 9]], np.float32),
    "bias": np.array([0.5], np.float32),
}


def test_a_row_goes_left_where_it_is_at_most_the_threshold():
    rows = np.array([[2, 0.5], [2.5, 0], [3, 1], [3.5, 1]], np.float32)
    logits = np.array([-1, -2, 3, 4]) + 0.25 + 0.5
    assert Trees(HALF).probabilities(rows) == pytest.approx(1 / (1 + np.exp(-logits)))


def test_no_rows_have_no_probabilities():
    assert Trees(HALF).probabilities(np.empty((0, 2), np.float32)).shape == (0,)
