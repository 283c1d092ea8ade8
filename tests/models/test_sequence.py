"""Documents as pieces, packed without padding, and nothing that crosses from one to another."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from limner.errors import LimnerError
from limner.models.sequence import CONTINUOUS, IGNORED, IMAGE, Piece, Sequence, collate, cut, packs, words


def image(rows: int, columns: int, **more: object) -> Piece:
    return Piece(
        np.full(rows * columns, CONTINUOUS), IMAGE, 1.0, rows, columns, values=np.ones((rows * columns, 3), np.float32), **more
    )  # type: ignore[arg-type]


def test_labels_are_what_comes_next_in_the_same_sequence_where_it_counts():
    batch = collate([Sequence((words([1, 2], 0.0), words([3, 4]))), Sequence((words([5, 6]),))])
    assert batch.labels_T.tolist() == [IGNORED, 3, 4, IGNORED, 6, IGNORED]
    assert batch.lengths == (4, 2)
    assert batch.index_T.tolist() == [0, 1, 2, 3, 0, 1]
    assert batch.sequence_T.tolist() == [0, 0, 0, 0, 1, 1]


def test_a_batch_is_filled_up_with_what_teaches_nothing():
    given = [Sequence((words([1, 2]), words([3, 4]))), Sequence((words([5, 6]),))]
    plain, filled = collate(given), collate(given, multiple=8)
    assert (len(filled), filled.tokens, filled.filler, filled.lengths) == (8, 6, 2, (4, 2, 2))
    assert filled.labels_T.tolist() == [*plain.labels_T.tolist(), IGNORED, IGNORED]
    assert collate(given, multiple=6).filler == plain.filler == 0


def test_vectors_are_no_labels_and_keep_their_order():
    first, second = image(1, 2), image(2, 1)
    batch = collate([Sequence((words([1]), first, words([2]))), Sequence((second,))])
    assert batch.labels_T.tolist() == [IGNORED, IGNORED, 2, IGNORED, IGNORED, IGNORED]
    assert batch.continuous_T.nonzero()[:, 0].tolist() == [1, 2, 4, 5]
    assert batch.values_VC is not None
    assert batch.values_VC.shape == (4, 3)
    assert [(s.start, s.length, s.sequence) for s in batch.spans] == [(1, 2, 0), (4, 2, 1)]


def test_places_count_rows_and_columns_of_an_image_and_go_on_after_the_greater():
    batch = collate([Sequence((words([1, 1]), image(2, 3), words([1])))])
    assert batch.places_T3.tolist() == [
        [0, 0, 0], [1, 1, 1], [2, 2, 2], [2, 2, 3], [2, 2, 4], [2, 3, 2], [2, 3, 3], [2, 3, 4], [5, 5, 5],
    ]  # fmt: skip


def test_text_is_cut_anywhere_and_an_image_never():
    sequence = Sequence((words(range(7)), image(2, 2), words(range(3))), "page.html")
    parts = list(cut(sequence, 5))
    assert [len(p) for p in parts] == [5, 2, 5, 2]
    assert [i for p in parts for piece in p.pieces if piece.modality == 0 for i in piece.ids] == [*range(7), *range(3)]
    with pytest.raises(LimnerError, match=r"an image of 4 tokens in page\.html is longer than the context of 3"):
        list(cut(sequence, 3))


@given(st.lists(st.integers(1, 64), max_size=60))
def test_every_sequence_is_in_one_batch_that_it_fits_into(lengths: list[int]):
    found = packs(lengths, 64)
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in batch) <= 64 for batch in found)


def test_documents_of_many_lengths_leave_next_to_nothing_empty():
    lengths = np.minimum(np.random.default_rng(0).lognormal(4.5, 1.0, 2_000).astype(int) + 1, 1024).tolist()
    found = packs(lengths, 1024)
    assert 1 - sum(lengths) / (1024 * len(found)) < 0.01


def test_a_batch_of_none_has_all_its_fields():
    batch = collate([], channels=3)
    assert len(batch) == 0
    assert batch.values_VC is not None
    assert batch.values_VC.shape == (0, 3)
    assert batch.to("cpu").places_T3.shape == torch.Size([0, 3])
