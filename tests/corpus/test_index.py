"""One document or file by its name, without reading the rest."""

from __future__ import annotations

import time
import uuid
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.strategies import corpus_of, file, media_of, page, pages, strings
from limner.corpus import Corpus
from limner.corpus.index import ENTRY, KeyIndex, fingerprint, key64
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
    assert kept == sorted(f"{folder}-{fingerprint(held.commits)}.npy" for folder in ("documents", "media"))
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
    entries = np.zeros(10_000_000, ENTRY)
    entries["key"] = np.arange(len(entries), dtype="<u8") * 1_000_003
    (tmp_path / "c/index").mkdir()
    np.save(tmp_path / f"c/index/documents-{fingerprint(held.commits)}.npy", entries)
    index = KeyIndex(held.store, held.commits, "documents", "id")
    began = time.process_time()
    found = [list(index.find(f"{i * 1_000_003 * 7919:016x}")) for i in range(200)]
    assert time.process_time() - began < 1
    assert all(len(f) == 1 for f in found)
