"""A corpus in an object store, behind a real S3 protocol on this machine, is the same corpus."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.strategies import corpus_of, file, media_of, page, pages
from limner.corpus import Corpus, Store
from limner.corpus.keeping import check, compact, read_list, takedown
from limner.corpus.media import sha256
from limner.corpus.parquet import SMALL, Parquet
from limner.corpus.shards import Reader
from limner.document import Text
from limner.errors import CorpusError

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


def test_a_row_group_is_one_request_and_opening_a_file_one(bucket: tuple[str, dict[str, Any]]) -> None:
    place, options = bucket
    corpus = Corpus.create(f"{place}/d", **options)
    words = [random.Random(i).randbytes(16_000).hex() for i in range(100)]
    documents = [page(i).evolve(parts=(*page(i).parts, Text(50, words[i]))) for i in range(100)]
    corpus.append(documents, batch=100)
    asked: list[str] = []

    def note(request: Any, **_: Any) -> None:
        asked.append(f"{request.method} {request.headers.get('Range')}")

    import s3fs

    events = s3fs.S3FileSystem(**options).s3.meta.events
    events.register("before-send.s3", note)
    try:
        again = Corpus.open(f"{place}/d", **options)
        commit = again.commits[0]
        reader = Reader(again.store)
        asked.clear()
        assert [d for g in range(reader.groups(commit)) for d in reader.group(commit, g)] == documents
    finally:
        events.unregister("before-send.s3", note)
    assert [request.split()[0] for request in asked] == ["GET"] * 5  # the footer, and a range for each of four row groups
    assert len(set(asked)) == 5


def test_a_footer_longer_than_the_tail_that_is_read_first(bucket: tuple[str, dict[str, Any]]) -> None:
    place, options = bucket
    store = Store(f"{place}/e", **options)
    table = pa.table({"id": [str(i) for i in range(2_000)]})
    table = table.append_column("y", [[random.Random(i).randbytes(600) for i in range(2_000)]])
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=2)
    data = buffer.getvalue()
    store.write("t.parquet", data)
    assert int.from_bytes(data[-8:-4], "little") > 1 << 16
    assert len(data) > SMALL
    file = Parquet(store, "t.parquet", len(data))
    assert file.starts[-1] == 2_000
    assert file.group(file.group_of(1_235)).column("id").to_pylist() == ["1234", "1235"]


ENDS = """
import json, sys
from limner.corpus import Corpus
options = json.loads(sys.argv[2])
stream = Corpus.open(sys.argv[1], **options).stream(shuffle=True, window=2)
kept = [next(stream) for _ in range(20)]
corpus = Corpus.open(sys.argv[1], **options)
document = corpus[kept[0].id]
"""


def test_a_process_that_has_read_ends_in_peace(bucket: tuple[str, dict[str, Any]]) -> None:
    """Arrow's threads on Python's files aborted the interpreter when it ended with a stream open."""
    place, options = bucket
    corpus = Corpus.create(f"{place}/f", **options)
    corpus.append(pages(200), batch=50)
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", ENDS, f"{place}/f", json.dumps(options)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_a_server_that_says_no_is_told_as_one_of_limners_errors(bucket: tuple[str, dict[str, Any]]) -> None:
    _, options = bucket
    with pytest.raises(CorpusError, match=r"cannot be written .*; check its name and your credentials"):
        Corpus.create("s3://no-such-bucket/c", **options)


@pytest.mark.parametrize("damage", ["cut", "footer", "nothing"])
def test_damage_there_is_told_too(bucket: tuple[str, dict[str, Any]], damage: str) -> None:
    place, options = bucket
    corpus = Corpus.create(f"{place}/g-{damage}", **options)
    corpus.append(pages(40), media_of(pages(40)), batch=40)
    name = "documents/00000000.parquet"
    data = corpus.store.read(name)
    corpus.store.write(name, {"cut": data[: len(data) // 2], "footer": data[:-8] + b"\xff" * 8, "nothing": b""}[damage])
    with pytest.raises(CorpusError, match=r"00000000.parquet cannot be read"):
        list(Corpus.open(corpus.store.url, **options))
