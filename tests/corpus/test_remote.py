"""A corpus in an object store, behind a real S3 protocol on this machine, is the same corpus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.strategies import corpus_of, file, media_of, page, pages
from limner.corpus import Corpus, Store
from limner.corpus.keeping import check, compact, read_list, takedown
from limner.corpus.media import sha256

moto = pytest.importorskip("moto.server", reason="an S3 server to test against: pip install 'moto[server]' s3fs")
pytest.importorskip("s3fs", reason="the client of object stores: pip install s3fs")


@pytest.fixture(scope="module")
def bucket() -> Iterator[tuple[str, dict[str, Any]]]:
    import s3fs

    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    options: dict[str, Any] = {"key": "k", "secret": "s", "client_kwargs": {"endpoint_url": f"http://{host}:{port}"}}
    s3fs.S3FileSystem(**options).mkdir("bucket")
    yield f"s3://bucket/{time.time_ns()}", options
    server.stop()


def test_the_same_corpus_as_on_a_disk(bucket: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    place, options = bucket
    local = corpus_of(tmp_path / "c", pages(50))
    remote = Corpus.create(f"{place}/a", **options)
    remote.append(pages(50), media_of(pages(50)), batch=10)
    remote.save_indexes()
    again = Corpus.open(f"{place}/a", **options)
    assert list(again) == list(local) == pages(50)
    for setting in ({}, {"shuffle": True, "seed": 3, "window": 2, "rank": 1, "world": 2}):
        here, there = local.stream(**setting), again.stream(**setting)
        for document in here:
            assert next(there) == document
            assert [there.media(i.ref) for i in document.images] == [here.media(i.ref) for i in document.images]
    assert again[pages(50)[33].id] == pages(50)[33]
    assert again.media(sha256(file(20))) == file(20)
    assert check(again.store) == []
    for commit in local.commits:
        for name in commit.files:
            assert again.store.read(name) == local.store.read(name)


def test_another_processs_writes_are_seen(bucket: tuple[str, dict[str, Any]]) -> None:
    place, options = bucket
    store, other = Store(f"{place}/b", **options), Store(f"{place}/b", **options, skip_instance_cache=True)
    assert store.names("x") == []
    assert not store.exists("x/1")
    other.write("x/1", b"one")
    assert store.names("x") == ["1"]
    assert store.exists("x/1")
    other.write("x/1", b"another")
    assert store.size("x/1") == 7
    assert store.read("x/1") == b"another"
    other.remove("x/1")
    assert not store.exists("x/1")


def test_it_is_kept_there_too(bucket: tuple[str, dict[str, Any]]) -> None:
    place, options = bucket
    corpus = Corpus.create(f"{place}/c", **options)
    documents = [*pages(20), page(90, "bad.example", images=(90,))]
    corpus.append(documents, media_of(documents), batch=5)
    assert compact(corpus).batches_after == 1
    takedown(corpus, read_list("bad.example"))
    assert list(Corpus.open(f"{place}/c", **options)) == pages(20)
    assert corpus.media(sha256(file(90))) is None
    assert check(corpus.store) == []
