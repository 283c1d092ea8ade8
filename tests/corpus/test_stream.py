"""Streams: deterministic, split without overlap or loss, continued from any point."""

from __future__ import annotations

import json
import os
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.strategies import corpus_of, media_of, page, pages
from limner.corpus import Commit, Corpus, Share, Stream
from limner.errors import CorpusError

COUNT = 333


@cache
def corpus() -> Corpus:
    """333 documents in batches of 70, so in blocks of 32, 32, 6."""
    return corpus_of(f"memory://{uuid.uuid4().hex}", pages(COUNT), batch=70)


def ids(stream: Stream) -> list[str]:
    return [d.id for d in stream]


shuffles = st.fixed_dictionaries({"seed": st.integers(0, 3), "epoch": st.integers(0, 3), "window": st.integers(1, 12)})


@settings(max_examples=25, deadline=None)
@given(shuffles)
def test_shuffled_is_a_permutation_that_seed_and_epoch_decide(setting: dict[str, int]) -> None:
    order = ids(corpus().stream(shuffle=True, media=False, **setting))
    assert order == ids(Corpus.open(corpus().store.url).stream(shuffle=True, media=True, **setting))
    assert sorted(order) == sorted(d.id for d in pages(COUNT))
    assert order != [d.id for d in pages(COUNT)]
    other = {**setting, "epoch": setting["epoch"] + 1}
    assert order != ids(corpus().stream(shuffle=True, media=False, **other))


def test_in_order_without_shuffling() -> None:
    assert ids(corpus().stream()) == [d.id for d in pages(COUNT)]


@settings(max_examples=40, deadline=None)
@given(shuffles, st.booleans(), st.integers(1, 5), st.integers(1, 4))
def test_every_split_has_all_documents_once(setting: dict[str, int], shuffle: bool, world: int, workers: int) -> None:
    seen: list[str] = []
    for rank in range(world):
        for worker in range(workers):
            seen += ids(
                corpus().stream(shuffle=shuffle, media=False, rank=rank, world=world, worker=worker, workers=workers, **setting)
            )
    assert sorted(seen) == sorted(d.id for d in pages(COUNT))


@settings(max_examples=40, deadline=None)
@given(shuffles, st.booleans(), st.integers(0, 1), st.lists(st.integers(0, COUNT), max_size=3))
def test_a_saved_position_continues_with_the_very_next_document(
    setting: dict[str, int], shuffle: bool, rank: int, stops: list[int]
) -> None:
    options: dict[str, Any] = {"shuffle": shuffle, "rank": rank, "world": 2, **setting}
    whole = ids(corpus().stream(media=False, **options))
    seen: list[str] = []
    state = None
    for stop in [*sorted(stops), None]:
        stream = corpus().stream(state=state, **options)
        while stop is None or len(seen) < stop:
            document = next(stream, None)
            if document is None:
                break
            for part in document.images:
                assert stream.media(part.ref) == media_of([document])[part.ref]
            seen.append(document.id)
        state = json.loads(json.dumps(stream.state()))
    assert seen == whole


def test_a_position_of_another_stream_is_refused() -> None:
    state = corpus().stream(shuffle=True, seed=1).state()
    for other in ({"seed": 2}, {"epoch": 5}, {"world": 2}, {"window": 3}):
        with pytest.raises(CorpusError, match="not the same stream"):
            corpus().stream(shuffle=True, **{"seed": 1, **other}, state=state)
    more = corpus_of(f"memory://{uuid.uuid4().hex}", pages(COUNT + 1), batch=70)
    with pytest.raises(CorpusError, match="corpus"):
        more.stream(shuffle=True, seed=1, state=state)


@pytest.mark.parametrize("state", [{}, {"window_index": "x"}, {"yielded": None}, {"window_index": -4}])
def test_a_position_that_is_none_is_refused(state: dict[str, Any]) -> None:
    whole = {} if not state else {**corpus().stream().state(), **state}
    with pytest.raises(CorpusError, match="position"):
        corpus().stream(state=whole)


def test_media_are_there_unless_they_are_not_wanted() -> None:
    with_media, without = corpus().stream(), corpus().stream(media=False)
    for document in pages(COUNT):
        assert next(with_media) == next(without) == document
        for image in document.images:
            assert with_media.media(image.ref) == media_of([document])[image.ref]
            assert without.media(image.ref) is None
    assert with_media.media("0" * 64) is None


def test_nothing_to_stream() -> None:
    empty = corpus_of(f"memory://{uuid.uuid4().hex}", [])
    assert ids(empty.stream(shuffle=True)) == []
    assert ids(corpus_of(f"memory://{uuid.uuid4().hex}", [page(1)]).stream(rank=1, world=2)) == []
    with pytest.raises(CorpusError, match="share 2 of 2"):
        empty.stream(rank=2, world=2)
    assert Share().count == 1


def test_streams_give_their_files_back(tmp_path: Path) -> None:
    local = corpus_of(tmp_path / "c", pages(120), batch=10)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    if before is None:
        pytest.skip("open files are counted in /proc, which is not here")
    for epoch in range(5):
        assert len(ids(local.stream(shuffle=True, epoch=epoch))) == 120
    assert len(os.listdir("/proc/self/fd")) <= before + 3


def test_more_batches_than_files_are_kept_open(tmp_path: Path) -> None:
    local = corpus_of(tmp_path / "c", pages(140), batch=2)
    assert len(local.commits) == 70
    stream = local.stream(shuffle=True, window=200)
    for document in stream:
        for image in document.images:
            assert stream.media(image.ref) == media_of([document])[image.ref]


def test_a_commit_of_an_older_writer_streams_the_same(tmp_path: Path) -> None:
    local = corpus_of(tmp_path / "c", pages(100), batch=40)
    order = ids(local.stream(shuffle=True))
    for commit in local.commits:
        Commit(commit.stem, commit.inputs, commit.files, commit.counts).write(local.store)
    old = Corpus.open(tmp_path / "c")
    assert [c.groups for c in old.commits] == [0, 0, 0]
    assert ids(old.stream(shuffle=True)) == order
