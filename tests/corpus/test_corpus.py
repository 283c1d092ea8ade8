"""A corpus is opened, appended to, counted and read in order, on a disk and in memory alike."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.strategies import corpus_of, file, media_of, page, pages, with_records
from limner.corpus import Corpus, shards
from limner.corpus.media import sha256
from limner.document import Document
from limner.errors import CorpusError


@pytest.fixture(params=["disk", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "c") if request.param == "disk" else f"memory://{uuid.uuid4().hex}/c"


def test_append_open_count_iterate(place: str) -> None:
    corpus = Corpus.create(place, {"license": "CC-BY-4.0"})
    assert list(corpus) == []
    corpus.append(pages(25), media_of(pages(25)), batch=10)
    corpus.append([page(100)])
    expected = [*pages(25), page(100)]
    for held in (corpus, Corpus.open(place)):
        assert list(held) == expected
        assert len(held) == 26
        assert held.counts["images"] == 50
        assert held.facts["license"] == "CC-BY-4.0"
        assert [c.stem for c in held.commits] == ["00000000", "00000001", "00000002", "00000003"]
        assert {i.ref for i in held.media_infos()} == set(media_of(pages(25)))


@pytest.mark.parametrize("place", ["file/c", "/proc/limner/c"])
def test_a_place_that_cannot_be_written_to_is_told_with_the_reason(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    with pytest.raises(CorpusError, match=r"cannot be written \((Not a directory|No such file or directory)"):
        Corpus.create(tmp_path / place)


def test_a_file_that_is_held_to_the_end_of_the_interpreter_is_closed_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("hello")
    held = shards._Descriptor(str(tmp_path / "file"))
    number = held.number
    with monkeypatch.context() as end:
        end.setattr(shards, "os", None)  # as the interpreter leaves it when it takes modules down
        del held
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_a_generator_is_appended_without_being_held(place: str) -> None:
    corpus = Corpus.create(place)
    held: list[int] = []

    def some() -> Iterator[Document]:
        for i in range(30):
            held.append(len(Corpus.open(place)))
            yield page(i)

    corpus.append(some(), batch=10)
    assert held == [0] * 10 + [10] * 10 + [20] * 10


def test_a_reader_sees_what_was_there_when_it_opened(place: str) -> None:
    corpus = corpus_of(place, pages(10))
    reader = Corpus.open(place)
    corpus.append([page(50)])
    assert len(reader) == len(list(reader)) == 10
    assert page(50).id not in reader
    reader.reload()
    assert len(reader) == 11
    assert page(50).id in reader


def test_records_are_read_a_batch_at_a_time(place: str) -> None:
    corpus = with_records(corpus_of(place, pages(10)), [page(20)], [page(21, "gone.example")])
    assert [t.num_rows for t in corpus.rows("ledger")] == [2]
    assert [t.column("document").to_pylist() for t in corpus.rows("dropped", ["document"])] == [[page(21, "gone.example").id]]
    assert [t.num_rows for t in corpus.rows("documents")] == [10, 1]
    assert corpus.counts["rejects"] == 1


def test_a_sweep_by_a_stale_reader_takes_nothing_that_counts(place: str) -> None:
    corpus = corpus_of(place, pages(10))
    stale = Corpus.open(place)
    corpus.append(pages(30)[20:])
    stale.sweep()
    assert len(list(Corpus.open(place))) == 20


def test_a_shared_file_is_found_from_any_batch(place: str) -> None:
    corpus = corpus_of(place, [page(i, images=(7,)) for i in range(30)])
    assert len([i for i in corpus.media_infos() if i.ref == sha256(file(7))]) == 3
    assert corpus.media(sha256(file(7))) == file(7)


def test_facts_change_in_one_write(place: str) -> None:
    corpus = corpus_of(place, [])
    corpus.update_facts(complete=True)
    assert Corpus.open(place).facts["complete"] is True


def test_what_is_no_corpus_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"is not a corpus .*limner build"):
        Corpus.open(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CorpusError, match="other things in it"):
        Corpus.create(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "damaged"),
        ("[]", "damaged"),
        ('{"schema": "x"}', "damaged"),
        ('{"schema": 99}', "update limner"),
        ("\xff", "damaged"),
    ],
)
def test_damaged_facts_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "corpus.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(CorpusError, match=message):
        Corpus.open(tmp_path)


@pytest.mark.parametrize("folder", ["documents", "media"])
@pytest.mark.parametrize("damage", ["missing", "cut", "noise"])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, folder: str, damage: str) -> None:
    corpus_of(tmp_path / "c", pages(10))
    path = tmp_path / f"c/{folder}/00000000.parquet"
    data = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(data[: len(data) // 2] if damage == "cut" else b"\x07" * len(data))
    with pytest.raises(CorpusError, match=f"{folder}.*limner check"):
        list(Corpus.open(tmp_path / "c").stream())


def test_a_cut_shard_is_one_clear_error(tmp_path: Path) -> None:
    corpus_of(tmp_path / "c", pages(10))
    path = tmp_path / "c/media/00000000.tar"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CorpusError, match=r"media/00000000\.tar ends before"):
        list(Corpus.open(tmp_path / "c").stream())


def test_the_corpus_says_itself_in_json(tmp_path: Path) -> None:
    corpus_of(tmp_path / "c", pages(3), license="CC0-1.0")
    written = json.loads((tmp_path / "c/corpus.json").read_text())
    assert (
        Corpus.open(tmp_path / "c").facts
        == {k: v for k, v in written.items() if k != "sum"}
        == {"schema": 1, "license": "CC0-1.0"}
    )
    assert repr(Corpus.open(tmp_path / "c")).endswith("3 documents, 39 words, 6 images)")
