"""`check` finds and names damage: any byte that changes, any file that is not what was written."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.strategies import corpus_of, file, page, pages, with_records
from limner.corpus import Corpus, Store
from limner.corpus.keeping import check
from limner.document import Image, Text


def make(path: Path) -> Corpus:
    corpus = with_records(corpus_of(path, pages(40), batch=20, complete=True), [page(50, images=(1,))], [page(51)])
    writer = corpus.batch()
    writer.add(page(60))
    writer.sidecar("hashes", pa.table({"document": [page(60).id], "hash": [7]}))
    corpus.commits.append(writer.commit(["in"]))
    corpus.reload()
    corpus.save_indexes()
    return corpus


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("check") / "c"
    make(path)
    return path


def found(path: Path, deep: bool = True) -> set[tuple[str, str, str]]:
    return {(d.level, d.kind, d.file) for d in check(Store(str(path)), deep)}


def files(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file() and p.suffix != ".lock")


def test_nothing_is_wrong_with_what_limner_wrote(whole: Path) -> None:
    assert check(Store(str(whole))) == []
    assert check(Store(str(whole)), deep=False) == []


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_any_flipped_or_missing_byte_is_found(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, seed: int, cut: bool
) -> None:
    random_ = random.Random(seed)
    path = random_.choice(files(whole))
    before = path.read_bytes()
    at = random_.randrange(len(before))
    try:
        path.write_bytes(before[:at] if cut else before[:at] + bytes([before[at] ^ 1 << random_.randrange(8)]) + before[at + 1 :])
        named = [d for d in check(Store(str(whole))) if d.level != "info"]
        assert named, f"{path.name} byte {at}"
        if path.parent.name != "commits":
            assert {d.file for d in named} <= {str(path.relative_to(whole)), *_partners(path, whole)}, named
    finally:
        path.write_bytes(before)


def _partners(path: Path, root: Path) -> set[str]:
    """A shard and its table can only be told apart by which of them contradicts its own checksum."""
    return {f"media/{path.stem}.tar"} if path.parent.name == "media" else set()


@pytest.mark.parametrize(
    "name", ["documents/00000000.parquet", "media/00000001.tar", "media/00000001.parquet", "ledger/00000002.parquet"]
)
def test_a_missing_file_is_found_quickly(whole: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(whole, tmp_path / "c")
    (tmp_path / "c" / name).unlink()
    assert ("error", "missing", name) in found(tmp_path / "c", deep=False)


def test_a_truncated_file_is_found_quickly(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "c")
    path = tmp_path / "c/media/00000000.tar"
    path.write_bytes(path.read_bytes()[:-1])
    assert ("error", "truncated", "media/00000000.tar") in found(tmp_path / "c", deep=False)


def test_duplicates_references_and_captions(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(10))
    lost = page(70).evolve(parts=(Image(0, ref="ab" * 32), Text(1, "Figure.", "caption", of=9)))
    corpus.append([pages(10)[3], lost])
    damage = sorted(check(corpus.store), key=lambda d: (d.level, d.kind))
    assert [(d.level, d.kind, d.file) for d in damage] == [
        ("error", "duplicate", "documents/00000001.parquet"),
        ("error", "media", "documents/00000001.parquet"),
        ("error", "media", "documents/00000001.parquet"),
        ("error", "media", "documents/00000001.parquet"),
        ("warning", "caption", "documents/00000001.parquet"),
    ]
    assert pages(10)[3].id in damage[0].message
    assert "caption of 9" in damage[4].message


def test_leftovers_and_stale_things_are_told_and_are_no_damage(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(20))
    corpus.save_indexes()
    corpus.append([page(90)])
    (tmp_path / "c/documents/.writing-x").write_bytes(b"")
    (tmp_path / "c/media/00000009.tar").write_bytes(b"")
    (tmp_path / "c/.scratch").mkdir(exist_ok=True)
    (tmp_path / "c/.scratch/00000009-x.tar").write_bytes(b"")
    (tmp_path / "c/.stages").mkdir()
    damage = check(corpus.store)
    assert {d.level for d in damage} == {"info"}
    assert {d.file for d in damage} == {
        "documents/.writing-x", "media/00000009.tar", ".scratch/00000009-x.tar", ".stages",
        *(f"index/{p.name}" for p in (tmp_path / "c/index").iterdir()),
    }  # fmt: skip


def test_facts_that_are_missing_changed_or_newer(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "c")
    facts = tmp_path / "c/corpus.json"
    text = facts.read_text()
    facts.write_text(text.replace('"complete": true', '"complete": false'))
    assert {("warning", "changed", "corpus.json"), ("info", "unfinished", "corpus.json")} <= found(tmp_path / "c")
    facts.write_text(json.dumps({"schema": 7}))
    assert ("error", "schema", "corpus.json") in found(tmp_path / "c")
    facts.unlink()
    assert ("error", "missing", "corpus.json") in found(tmp_path / "c")
    facts.write_bytes(b"\xff")
    assert ("error", "unreadable", "corpus.json") in found(tmp_path / "c")


def test_a_record_that_claims_files_of_others(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "c")
    record = tmp_path / "c/commits/00000001.json"
    data = json.loads(record.read_text())
    del data["sum"]
    data["files"]["documents/00000000.parquet"] = 5
    data["files"]["../../etc/passwd"] = 5
    record.write_text(json.dumps(data))
    assert ("error", "record", "commits/00000001.json") in found(tmp_path / "c", deep=False)
    record.write_text("{")
    assert ("error", "unreadable", "commits/00000001.json") in found(tmp_path / "c")


def test_a_file_under_anothers_name(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", [page(1, images=(1, 2))])
    path = tmp_path / "c/media/00000000.tar"
    data = path.read_bytes()
    path.write_bytes(data.replace(file(1), file(2)[:10][:6] + file(1)[6:7] + file(2)[7:]))
    assert ("error", "changed", "media/00000000.tar") in found(tmp_path / "c")
    assert len(corpus) == 1
