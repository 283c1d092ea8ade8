"""One document or file by its name, without reading the rest."""

from __future__ import annotations

import time
import uuid
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.strategies import corpus_of, file, media_of, page, pages, strings
from limner.corpus import Corpus
from limner.corpus.index import ENTRY, KeyIndex, file_name, fingerprint
from limner.corpus.keeping import check
from limner.corpus.keys import key64, keys64, keys_starting
from limner.corpus.media import sha256
from limner.document import Document, Text
from limner.errors import CorpusError


@cache
def corpus() -> Corpus:
    return corpus_of(f"memory://{uuid.uuid4().hex}", pages(200), batch=37)


@settings(deadline=None)
@given(st.integers(0, 199))
def test_every_document_and_file_is_found(i: int) -> None:
    document = pages(200)[i]
    assert corpus()[document.id] == document
    assert document.id in corpus()
    for ref, data in media_of([document]).items():
        assert corpus().media(ref) == data
        info = corpus().info(ref)
        assert info is not None
        assert (info.mime, info.size) == ("image/gif", len(data))


@settings(deadline=None)
@given(strings)
def test_what_is_not_there_is_not_found(key: str) -> None:
    assert key not in corpus()
    assert corpus().media(sha256(key.encode())) is None
    with pytest.raises(KeyError):
        corpus()[key]
    if len(key) > 3:
        with pytest.raises(CorpusError):
            corpus().find(key)


@settings(max_examples=60, deadline=None)
@given(st.sets(strings.filter(bool) | st.sampled_from(["-1", "+f", "0x1", "1_0", " a", "00", "0", "A", "a", "٣"]), max_size=8))
def test_ids_of_any_form_are_found(ids: set[str]) -> None:
    held = corpus_of(f"memory://{uuid.uuid4().hex}", [Document(i, (Text(0, i),)) for i in sorted(ids)], batch=3)
    for i in ids:
        assert held[i].text == i
    assert all(0 <= key64(i) < 2**64 for i in ids)


def test_a_prefix_that_is_one_documents_own_finds_it() -> None:
    wanted = pages(200)[7]
    assert corpus().find(wanted.id) == wanted
    assert corpus().find(wanted.id[:12]) == wanted
    with pytest.raises(CorpusError, match="begins several ids"):
        corpus().find(min("0123456789abcdef", key=lambda c: -sum(d.id[0] == c for d in pages(200))))
    with pytest.raises(CorpusError, match="holds no document"):
        corpus().find("zz")


def test_a_kept_index_is_used_and_a_stale_or_damaged_one_is_not(tmp_path: Path) -> None:
    held = corpus_of(tmp_path / "c", pages(40))
    held.save_indexes()
    kept = sorted(p.name for p in (tmp_path / "c/index").iterdir())
    assert kept == sorted(file_name(folder, held.commits) for folder in ("documents", "media"))
    assert Corpus.open(tmp_path / "c")[page(3).id].title == "Page 3"
    for path in (tmp_path / "c/index").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    assert Corpus.open(tmp_path / "c")[pages(40)[3].id] == pages(40)[3]
    held.append([page(99, images=(5,))], media_of([page(99, images=(5,))]))
    assert page(99).id in held
    assert page(99).id in Corpus.open(tmp_path / "c")
    held.save_indexes()
    assert len(list((tmp_path / "c/index").iterdir())) == 2
    assert Corpus.open(tmp_path / "c").media(sha256(file(5))) == file(5)


def test_an_index_that_points_nowhere_is_an_error_that_says_so(tmp_path: Path) -> None:
    held = corpus_of(tmp_path / "c", pages(5))
    held.save_indexes()
    path = next((tmp_path / "c/index").glob("documents-*"))
    entries = np.load(path)
    for name, value in (("batch", 9), ("row", 9)):
        wrong = entries.copy()
        wrong[name] = value
        np.save(path, wrong)
        with pytest.raises(CorpusError, match="index"):
            Corpus.open(tmp_path / "c")[page(1).id]


def test_a_lookup_does_not_read_the_index_through(tmp_path: Path) -> None:
    """Ten million keys are 160 MB: a search that copied or scanned them would take tens of milliseconds."""
    held = corpus_of(tmp_path / "c", pages(1))
    ids = [f"{i * 7919:020x}" for i in range(200)]
    entries = np.zeros(10_000_000, ENTRY)
    entries["key"][200:] = np.arange(len(entries) - 200, dtype="<u8") * 1_000_003
    entries["key"][:200] = keys64(ids)
    entries.sort(order="key")
    (tmp_path / "c/index").mkdir()
    np.save(tmp_path / "c/index" / file_name("documents", held.commits), entries)
    index = KeyIndex(held.store, held.commits, "documents")
    began = time.process_time()
    found = [list(index.find(id)) for id in ids]
    assert time.process_time() - began < 1
    assert all(len(f) == 1 for f in found)


# Keys


@settings(deadline=None)
@given(st.lists(strings | st.text("0123456789abcdefABCDEF", max_size=70), max_size=40))
def test_many_keys_at_once_are_the_keys_of_each(texts: list[str]) -> None:
    assert keys64(texts).tolist() == [key64(text) for text in texts]
    chunks = pa.chunked_array([pa.array(texts[:3], pa.string()), pa.array(["x", *texts], pa.string())[1:]])
    assert keys64(chunks).tolist() == [key64(text) for text in [*texts[:3], *texts]]


@given(st.text("0123456789abcdef", min_size=1, max_size=64), st.integers(1, 64))
def test_a_prefix_is_a_range_of_keys(text: str, length: int) -> None:
    span = keys_starting(text[:length])
    assert span is not None
    assert span[0] <= key64(text) <= span[1]


def test_unlike_ids_have_unlike_keys() -> None:
    """Ids that count up from zeros, pad them, or differ in case only: the first 64 bits of all these are alike."""
    ids = [f"{i:020d}" for i in range(50_000)] + [f"{i:064x}" for i in range(50_000)] + ["a" + "0" * n for n in range(60)]
    ids += ["ABCDEF", "abcdef", "aBcDeF", *(str(i) for i in range(50_000))]
    keys = keys64(ids)
    assert len(np.unique(keys)) >= len(set(ids)) - 3  # of 150,000 random keys of 32 bits, about 2.6 pairs are alike
    assert np.unique(keys, return_counts=True)[1].max() == 2 or len(np.unique(keys)) == len(ids)


def test_ids_that_count_up_are_found_by_their_beginning() -> None:
    held = corpus_of(f"memory://{uuid.uuid4().hex}", [Document(f"{i:020d}", (Text(0, str(i)),)) for i in range(300)], batch=90)
    assert held.find("00000000000000000257").text == "257"
    assert held.find("0000000000000000025" + "8").text == "258"
    with pytest.raises(CorpusError, match="begins several ids: 00000000000000000250, 00000000000000000251"):
        held.find("0000000000000000025")
    with pytest.raises(CorpusError, match="holds no document"):
        held.find("00000000000000000999")


def test_an_index_of_other_keys_is_not_read(tmp_path: Path) -> None:
    """Before keys had a version, an index was called by the batches alone, and its keys were the first 64 bits."""
    held = corpus_of(tmp_path / "c", pages(20))
    entries = np.zeros(20, ENTRY)
    entries["key"] = sorted(int(d.id[:16], 16) for d in pages(20))
    entries["batch"] = 9
    (tmp_path / "c/index").mkdir()
    old = tmp_path / f"c/index/documents-{fingerprint(held.commits)}.npy"
    np.save(old, entries)
    again = Corpus.open(tmp_path / "c")
    assert [again[d.id] for d in pages(20)] == pages(20)
    assert [(d.level, d.kind, d.file) for d in check(again.store)] == [("info", "stale", f"index/{old.name}")]
    again.save_indexes()
    assert not old.exists()
