"""Documents and their files go into a batch and come out of it the same."""

from __future__ import annotations

import tarfile
import uuid
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.strategies import corpus_of, documents, file, lists_of_documents, media_of, page, pages
from limner.corpus import BatchWriter, Corpus, Store
from limner.corpus.media import sha256
from limner.corpus.shard import ShardWriter, members
from limner.corpus.tables import DOCUMENTS, decode, encode, rows
from limner.document import Document, Image, Text
from limner.errors import CorpusError


@settings(max_examples=150, deadline=None)
@given(lists_of_documents())
def test_any_documents_survive_parquet(given: list[Document]) -> None:
    buffer = BytesIO()
    pq.write_table(encode(given), buffer, row_group_size=3, compression="zstd")
    table = pq.read_table(buffer)
    assert table.schema.remove_metadata() == DOCUMENTS.remove_metadata()
    assert decode(table) == given
    for i in range(len(given)):
        assert decode(table.slice(i, 1)) == [given[i]]


@settings(max_examples=25, deadline=None)
@given(lists_of_documents(), st.integers(1, 5))
def test_any_documents_survive_a_corpus(given: list[Document], batch: int) -> None:
    corpus = Corpus.create(f"memory://{uuid.uuid4().hex}")
    corpus.append(given, media_of(given), batch=batch)
    again = Corpus.open(corpus.store.url)
    assert list(again) == given
    assert len(again) == len(given)
    assert again.counts["words"] == sum(len(t.text.split()) for d in given for t in d.texts)
    assert again.counts["images"] == sum(len(d.images) for d in given)
    for ref, data in media_of(given).items():
        assert again.media(ref) == data


def test_what_unicode_or_int32_cannot_hold_does_not_cost_the_batch() -> None:
    odd = Document("a\ud800", (Text(0, "x\udfff"), Image(1, width=2**40, height=5)), meta={"k\ud834": "\ud834\udd1e"})
    assert decode(encode([odd])) == [
        Document("a\ufffd", (Text(0, "x\ufffd"), Image(1, width=2**31 - 1, height=5)), meta={"k\ufffd": "\U0001d11e"})
    ]
    table = rows(pa.schema([("a", pa.string()), ("n", pa.int32())]), [("\ud800", 2**33)])
    assert table.to_pylist() == [{"a": "\ufffd", "n": 2**31 - 1}]


def test_a_shard_is_a_tar_of_the_media_in_the_order_of_the_documents(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(10))
    with tarfile.open(tmp_path / "c/media/00000000.tar") as tar:
        held = [(m.name, tar.extractfile(m).read()) for m in tar.getmembers()]  # type: ignore[union-attr]
    assert [name for name, _ in held] == [f"{info.ref}.gif" for info in corpus.media_infos()]
    assert all(sha256(data) == name[:64] for name, data in held)
    assert [name[:64] for name, _ in held] == list(dict.fromkeys(p.ref for d in pages(10) for p in d.images))


@given(st.lists(st.binary(max_size=1100), max_size=5))
def test_shard_members_are_found_again(tmp_path_factory: pytest.TempPathFactory, held: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("shard") / "s.tar"
    writer = ShardWriter(path)
    offsets = [writer.add(f"{sha256(data)}.bin", data) for data in held]
    writer.close()
    with open(path, "rb") as shard:
        assert [(n, o, s) for n, o, s in members(shard)] == [
            (f"{sha256(d)}.bin", o, len(d)) for d, o in zip(held, offsets, strict=True)
        ]
        for data, offset in zip(held, offsets, strict=True):
            shard.seek(offset)
            assert shard.read(len(data)) == data


def test_only_media_that_a_document_uses_are_kept(tmp_path: Path) -> None:
    writer = BatchWriter(Store(str(tmp_path)), "00000000")
    for i in range(5):
        writer.put(file(i))
        writer.put(file(i))
    writer.add(page(0, images=(3, 1)))
    commit = writer.commit(["in"], digest="d", seen=7)
    assert pq.read_table(tmp_path / "media/00000000.parquet").column("ref").to_pylist() == [sha256(file(3)), sha256(file(1))]
    assert commit.counts == {"documents": 1, "parts": 6, "images": 2, "stored": 2, "words": 13, "rejects": 0, "seen": 7}
    assert {name: (tmp_path / name).stat().st_size for name in commit.files} == commit.files
    assert writer.media(sha256(file(4))) == file(4)
    assert writer.media(sha256(b"?")) is None
    writer.close()


def test_the_same_batch_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        corpus_of(tmp_path / name, pages(20))
    for path in sorted((tmp_path / "a").rglob("*.*")):
        if path.is_dir():
            continue
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes(), path.name


def test_bytes_beyond_the_spool_come_back_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limner.corpus.batch.SPOOL_BYTES", 100)
    corpus = corpus_of(tmp_path / "c", pages(10))
    assert {ref: corpus.media(ref) for ref in media_of(pages(10))} == media_of(pages(10))


def test_bytes_under_a_wrong_name_are_refused(tmp_path: Path) -> None:
    corpus = Corpus.create(str(tmp_path / "c"))
    with pytest.raises(CorpusError, match="another sha256"):
        corpus.append([page(0, images=(1,))], {sha256(file(1)): b"other"})
    assert len(Corpus.open(tmp_path / "c")) == 0


@given(documents())
def test_documents_of_any_kind_survive_alone(document: Document) -> None:
    assert decode(encode([document])) == [document]
