"""Where to cut: the choice against every other choice."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from limner.sources.html.cut import taken

blocks = st.lists(st.tuples(st.floats(0, 1, width=32), st.integers(0, 200)), max_size=9)


def expected_f1(likely, lengths, chosen):
    size = (lengths * chosen).sum() + (likely * lengths).sum()
    return 2 * (likely * lengths * chosen).sum() / size if size else 0.0


@given(blocks)
def test_no_other_choice_is_expected_to_be_better(found):
    likely = np.array([p for p, _ in found], np.float32)
    lengths = np.array([n for _, n in found], np.float32)
    best = max(expected_f1(likely, lengths, np.array(other, bool)) for other in product([False, True], repeat=len(found)))
    assert expected_f1(likely, lengths, taken(likely, lengths)) >= best - 1e-5


def test_what_is_half_sure_is_taken_only_where_nothing_is_surer():
    lengths = np.full(4, 100, np.float32)
    assert taken(np.array([0.95, 0.95, 0.95, 0.4], np.float32), lengths).tolist() == [True, True, True, False]
    assert taken(np.array([0.05, 0.05, 0.4, 0.4], np.float32), lengths).tolist() == [False, False, True, True]


def test_nothing_is_taken_where_nothing_can_be_content():
    assert taken(np.zeros(3, np.float32), np.ones(3, np.float32)).tolist() == [False] * 3
    assert taken(np.ones(2, np.float32), np.zeros(2, np.float32)).tolist() == [False] * 2
    assert taken(np.empty(0, np.float32), np.empty(0, np.float32)).shape == (0,)
