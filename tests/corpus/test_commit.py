"""Only committed files count; what is replaced never comes back, wherever a sweep is cut off."""

from __future__ import annotations

import json
import pickle
import shutil
import tracemalloc
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.strategies import corpus_of, page, pages
from limner.corpus import Commit, Corpus, Store
from limner.corpus.commit import Inputs, finish, next_ordinal, read_commits, record, revision_of, sort_key, stem, sweep, write_all
from limner.errors import CorpusError


class Cut(Exception):
    """The process was killed here."""


class CutStore(Store):
    """A store whose process is killed when it has removed or written so many files."""

    def __init__(self, root: str, steps: int):
        super().__init__(root)
        self.steps = steps

    def _step(self) -> None:
        if self.steps == 0:
            raise Cut
        self.steps -= 1

    def remove(self, name: str) -> None:
        self._step()
        super().remove(name)

    def write(self, name: str, data: bytes) -> None:
        self._step()
        super().write(name, data)


def ids(path: str | Path) -> list[str]:
    return [d.id for d in Corpus.open(path)]


def test_stems_sort_in_the_order_of_the_corpus() -> None:
    stems = [stem(0), stem(0, 1), stem(0, 10), stem(1), stem(99_999_999), stem(100_000_000)]
    assert sorted(stems, key=sort_key) == stems
    assert stem(12) == "00000012"
    assert stem(12, 3) == "00000012.3"


def test_a_batch_without_its_record_does_not_count(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(30))
    (tmp_path / "c/commits/00000001.json").unlink()
    (tmp_path / "c/documents/.writing-abc").write_bytes(b"half a file")
    (tmp_path / "c/commits/.writing-def").write_bytes(b'{"stem": "000000')
    assert ids(tmp_path / "c") == [d.id for d in pages(30) if not 10 <= int(d.title[5:]) < 20]
    assert Corpus.open(tmp_path / "c").sweep() == 5  # documents, media table, shard, two halves
    assert not list((tmp_path / "c").rglob("*00000001*"))
    assert not list((tmp_path / "c").rglob(".writing*"))
    assert len(corpus) == 30


def test_replaced_batches_do_not_count_and_the_order_stays(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(50))
    old = corpus.commits[1:4]
    name = revision_of([c.stem for c in old], corpus.commits)
    assert name == "00000003.1"
    new = Corpus.create(tmp_path / "new")
    new.append(pages(40)[10:])
    for folder in ("documents",):
        shutil.copy(tmp_path / f"new/{folder}/00000000.parquet", tmp_path / f"c/{folder}/{name}.parquet")
    size = (tmp_path / f"c/documents/{name}.parquet").stat().st_size
    Commit(name, files={f"documents/{name}.parquet": size}, counts={"documents": 30}, replaces=[c.stem for c in old]).write(
        corpus.store
    )
    assert ids(tmp_path / "c") == [d.id for d in pages(50)]
    assert len(Corpus.open(tmp_path / "c")) == 50
    Corpus.open(tmp_path / "c").sweep()
    assert ids(tmp_path / "c") == [d.id for d in pages(50)]


def test_a_replaced_stem_is_never_given_out_again(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(30))
    Commit("00000000.1", replaces=["00000000", "00000001", "00000002"]).write(corpus.store)
    corpus.reload()
    corpus.sweep()
    corpus.append([page(77)])
    assert ids(tmp_path / "c") == [page(77).id]
    assert next_ordinal(read_commits(corpus.store)) == 4
    assert revision_of(["00000000"], corpus.commits) == "00000000.2"


histories = st.lists(st.tuples(st.integers(0, 7), st.integers(1, 3)), max_size=4)


@settings(max_examples=40, deadline=None)
@given(histories, st.integers(0, 60))
def test_a_sweep_cut_off_anywhere_brings_nothing_back(history: list[tuple[int, int]], cut: int) -> None:
    """Batches are replaced, their replacements replaced again; a sweep is killed after `cut` removals, at any of them."""
    store = Store(f"memory://{uuid.uuid4().hex}")
    for i in range(8):
        name = f"documents/{stem(i)}.parquet"
        store.write(name, b"%d" % i)
        Commit(stem(i), files={name: 1}).write(store)
    for first, count in history:
        live = read_commits(store)
        old = [c.stem for c in live[first % len(live) :][:count]]
        name = revision_of(old, live)
        store.write(f"documents/{name}.parquet", b"new")
        Commit(name, files={f"documents/{name}.parquet": 3}, replaces=old).write(store)
    expected = [c.stem for c in read_commits(store)]
    try:
        sweep(CutStore(store.url, cut), read_commits(store))
    except Cut:
        assert len(store.names("commits")) >= len(expected)
    assert [c.stem for c in read_commits(store)] == expected
    for commit in read_commits(store):
        for name, size in commit.files.items():
            assert store.size(name) == size
    sweep(store, read_commits(store))
    assert store.names("commits") == sorted(f"{s}.json" for s in expected)


@pytest.mark.parametrize("cut", range(12))
def test_a_switch_is_the_old_or_the_new_corpus(tmp_path: Path, cut: int) -> None:
    store = Store(str(tmp_path))
    for i in range(4):
        Commit(stem(i)).write(store)
    new = [Commit(stem(i, 1), replaces=[stem(i)]) for i in range(3)]
    try:
        write_all(CutStore(store.url, cut), new)
        sweep(CutStore(store.url, max(cut - 5, 0)), read_commits(store))
    except Cut:
        pass
    stems = [c.stem for c in read_commits(store)]
    assert stems == ([stem(i) for i in range(4)] if cut == 0 else [*(c.stem for c in new), stem(3)])
    finish(store)
    sweep(store, read_commits(store))
    assert [c.stem for c in read_commits(store)] == stems
    assert store.names("commits") == [f"{s}.json" for s in stems]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"stem": "../../x"}', '{"stem": 7}', '{"stem": "00000000", "files": []}',
        '{"stem": "00000000", "files": {"documents/00000000.parquet": "9"}}', '{"stem": "00000000", "replaces": ["x"]}',
        '{"stem": "00000000", "inputs": [1]}', '{"stem": "00000000", "more": 1}', '{"stem": "00000001"}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    store = Store(str(tmp_path))
    store.write("commits/00000000.json", text.encode())
    with pytest.raises(CorpusError, match=r"commits/00000000\.json is damaged .*limner check"):
        read_commits(store)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
)


@given(st.dictionaries(st.sampled_from(["stem", "inputs", "files", "counts", "digest", "replaces", "groups"]), json_values))
def test_any_json_is_a_commit_or_a_value_error(data: dict[str, Any]) -> None:
    try:
        commit = record(json.loads(json.dumps(data)))
    except ValueError:
        return
    assert sort_key(commit.stem) >= (0, 0)


def test_names_of_inputs_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    names = [f"crawl/page-{i}" for i in range(50)]
    corpus = corpus_of(tmp_path / "c", [])
    writer = corpus.batch()
    writer.add(page(1))
    made = writer.commit(names, digest="d", kept=7)
    [held] = read_commits(corpus.store)
    assert type(held.inputs) is Inputs
    assert len(held.inputs) == 50
    assert (list(held.inputs), held.inputs[3], held.inputs[-2:]) == (names, names[3], names[-2:])
    assert names[7] in held.inputs
    assert "elsewhere" not in held.inputs
    assert held == made
    assert pickle.loads(pickle.dumps(held)) == made
    held.write(corpus.store)
    write_all(corpus.store, [replace(held, stem="00000005"), replace(held, stem="00000006")])
    assert [list(c.inputs) for c in read_commits(corpus.store)] == [names] * 3
    (tmp_path / "c/commits/00000000.json").unlink()
    with pytest.raises(CorpusError, match=r"00000000\.json is missing"):
        list(held.inputs)


def test_a_commit_held_takes_no_room_for_its_inputs(tmp_path: Path) -> None:
    def held(inputs: int) -> float:
        store = Store(str(tmp_path / str(inputs)))
        for i in range(200):
            Commit(stem(i), [f"crawl/page-{i}-{k}.html" for k in range(inputs)]).write(store)
        tracemalloc.start()
        commits = read_commits(store)
        size = tracemalloc.get_traced_memory()[0] / len(commits)
        tracemalloc.stop()
        return size

    assert held(500) - held(5) < 1_000  # the names alone are some forty thousand bytes
